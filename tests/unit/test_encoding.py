import itertools

import numpy as np
import pytest
from tokenizers import Tokenizer, models, processors

from data.article import Article
from data.errors import ArticleError
from models.checkpoint import Checkpoint
from models.contract import Windows
from models.encoding import TEXT, TITLE, Encoder, _outside, cut_windows, special_ids
from tests.conftest import SENTENCES, article


@pytest.fixture(scope="module")
def encoder(checkpoint: Checkpoint) -> Encoder:
    return Encoder(Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json")), checkpoint.contract)


@pytest.mark.parametrize("count", [1, 61, 62, 63, 64, 100, 110, 111, 1000])
def test_windows_count_each_token_once_and_overlap(count: int) -> None:
    ids = np.arange(100, 100 + count)
    windows = cut_windows(ids, Windows(64, 16), 2, 3)
    counted = np.concatenate([window.ids[window.counted] for window in windows])
    assert counted.tolist() == ids.tolist()
    assert all(len(window.ids) <= 64 for window in windows)
    assert all(window.ids[0] == 2 and window.ids[-1] == 3 for window in windows)
    for left, right in itertools.pairwise(windows):
        assert len(set(left.ids[1:-1].tolist()) & set(right.ids[1:-1].tolist())) >= 16
        assert right.first == left.first + len(left.counted)


def test_every_token_knows_its_place_in_the_text_as_sent(encoder: Encoder) -> None:
    text = "قَالَ المتحـــدث:  «سَنعود».\n310\n" + "\n".join(SENTENCES)
    encoded = encoder.encode(Article("a", "عنوان الخبر. وتتمته", text))
    assert encoded.text == text
    assert [s.field for s in encoded.sentences[:2]] == [TITLE, TITLE]
    for sentence, start in zip(np.array(encoded.sentences)[encoded.sentence_of], encoded.starts, strict=True):
        assert sentence.start <= start < sentence.end
    read = [text[s.start : s.end] for s in encoded.sentences if s.field == TEXT]
    assert read == ["قَالَ المتحـــدث:  «سَنعود».", "310", *SENTENCES]


def test_what_is_cut_is_not_read_and_is_said(encoder: Encoder) -> None:
    text = "\n".join([*SENTENCES, "اترك رد", "تسجيل الدخول"])
    encoded = encoder.encode(Article("a", "", text))
    assert encoded.warnings == ("cut_comment_form", "cut_log_in")
    assert encoded.text[encoded.sentences[-1].start : encoded.sentences[-1].end] == SENTENCES[-1]


def test_a_long_article_is_read_whole(encoder: Encoder) -> None:
    text = "\n".join(SENTENCES * 60)
    encoded = encoder.encode(Article("a", "", text))
    assert len(text.split()) > 5000
    assert sum(len(window.counted) for window in encoded.windows) == encoded.tokens
    assert len(encoded.sentences) == len(SENTENCES) * 60
    assert set(encoded.sentence_of.tolist()) == set(range(len(encoded.sentences)))


@pytest.mark.parametrize(
    ("title", "text", "code", "where"),
    [
        ("عنوان", "", "empty_text", "text"),
        ("عنوان", " \n\u200f\t", "empty_text", "text"),
        ("", "نص \ud800", "bad_characters", "text"),
        ("\udfff", "نص", "bad_characters", "title"),
    ],
)
def test_what_cannot_be_read_is_a_clear_error(encoder: Encoder, title: str, text: str, code: str, where: str) -> None:
    with pytest.raises(ArticleError) as caught:
        encoder.encode(Article("a", title, text))
    assert (caught.value.code, caught.value.where) == (code, where)


def test_warnings_about_language_and_length(encoder: Encoder) -> None:
    assert encoder.encode(Article("a", "", "The Council met. " * 9)).warnings == ("not_arabic",)
    assert encoder.encode(Article("a", "", "خبر قصير.")).warnings == ("very_short",)
    assert encoder.encode(article(1)).warnings == ()


def test_marks_and_tatweel_change_no_token(encoder: Encoder) -> None:
    plain = encoder.encode(Article("a", "", SENTENCES[0]))
    dressed = encoder.encode(Article("a", "", SENTENCES[0].replace("سفينة", "سَفينَةُ").replace("شحن", "شـحن\u200f")))
    assert plain.windows[0].ids.tolist() == dressed.windows[0].ids.tolist()


def test_tokens_that_open_and_close_a_text_go_by_other_names_too() -> None:
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<bos>": 1, "<eos>": 2, "ا": 3}, unk_token="<unk>"))
    with pytest.raises(ValueError, match="no token"):
        special_ids(tokenizer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 1), ("<eos>", 2)]
    )
    assert special_ids(tokenizer) == (1, 2)


def test_what_lies_in_a_cut_is_found_in_one_pass() -> None:
    spans = [(0, 4), (5, 9), (10, 12), (13, 20), (21, 30)]
    assert _outside(spans, [(0, 4), (10, 20)]) == [(5, 9), (21, 30)]
    assert _outside(spans, []) == spans
    assert _outside(spans, [(0, 40)]) == []
