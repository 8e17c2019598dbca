"""Hiding tokens: as many in every row, ordinary ones alone; from fine-tuning, counted ones alone."""

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, models

from train.masking import UNMASKED, hide, mask, mask_token, ordinary_ids


def test_masking_hides_its_share_of_every_row_and_labels_those_alone() -> None:
    ordinary, mask_id = torch.arange(3, 95), 99  # special ids at both ends
    ids = torch.randint(0, 100, (1000, 100), generator=torch.Generator().manual_seed(1))
    inputs, places, labels = mask(
        ids, share=0.3, keep=0.1, mask_id=mask_id, ordinary=ordinary, generator=torch.Generator().manual_seed(2)
    )
    assert places.shape == (1000, 30)
    assert all(len(set(row)) == 30 for row in places.tolist())
    assert torch.equal(labels, ids.gather(1, places))
    assert torch.isin(labels, ordinary).all()
    hidden = torch.zeros_like(ids, dtype=torch.bool).scatter(1, places, value=True)
    assert torch.equal(inputs[~hidden], ids[~hidden])
    share = torch.bincount(places.flatten(), minlength=100) / 1000
    assert float(share.min()) > 0.2  # anywhere in a row
    assert float(share.max()) < 0.4
    shown = inputs.gather(1, places)
    masked, kept = shown == mask_id, shown == labels
    assert float(masked.float().mean()) == pytest.approx(0.8, abs=0.01)
    assert float(kept.float().mean()) == pytest.approx(0.1, abs=0.01)
    assert torch.isin(shown[~masked], ordinary).all()


def test_special_tokens_stay_where_a_row_has_little_else() -> None:
    ids = torch.tensor([[0, 5, 0, 0], [0, 0, 0, 0]])
    generator = torch.Generator().manual_seed(1)
    inputs, places, labels = mask(ids, share=0.5, keep=0.0, mask_id=9, ordinary=torch.arange(3, 8), generator=generator)
    assert inputs.tolist() == [[0, 9, 0, 0], [0, 0, 0, 0]]
    assert sorted(labels[0].tolist()) == [UNMASKED, 5]
    assert int(places[0, labels[0].argmax()]) == 1
    assert labels[1].tolist() == [UNMASKED, UNMASKED]


def test_a_share_too_small_for_a_row_hides_one_token() -> None:
    ids, generator = torch.full((3, 8), 4), torch.Generator().manual_seed(1)
    inputs, places, labels = mask(
        ids, share=0.01, keep=0.0, mask_id=9, ordinary=torch.arange(3, 8), generator=generator
    )
    assert labels.tolist() == [[4], [4], [4]]
    assert inputs.gather(1, places).tolist() == [[9], [9], [9]]


def test_special_tokens_are_the_tokenizers_own() -> None:
    words = ["سفينة", "ميناء", "[MASK]", "شحن", "[SEP]"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[MASK]"))
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in ("[MASK]", "[SEP]")])
    assert ordinary_ids(tokenizer).tolist() == [0, 1, 3]


def test_a_share_of_the_counted_tokens_is_hidden_others_each_time() -> None:
    ids = torch.randint(10, 99, (200, 100), generator=torch.Generator().manual_seed(1))
    counted = torch.ones_like(ids, dtype=torch.bool)
    counted[:, ::10] = False
    before = ids.clone()
    torch.manual_seed(3)
    first, second = (hide(ids, counted, share=0.2, mask_id=4) for _ in range(2))
    assert torch.equal(ids, before)  # the example is read again in the next pass
    for shown in (first, second):
        changed = shown != ids
        assert not changed[~counted].any()
        assert set(shown[changed].tolist()) == {4}
        assert float(changed[counted].float().mean()) == pytest.approx(0.2, abs=0.01)
    assert not torch.equal(first, second)


def test_the_token_that_hides_is_found_by_name() -> None:
    for words, found in ((["ا", "[MASK]"], 1), (["<mask>", "ا"], 0), (["ا", "mask"], None)):
        vocabulary = {word: i for i, word in enumerate(words)}
        assert mask_token(Tokenizer(models.WordLevel(vocabulary, unk_token="ا"))) == found
