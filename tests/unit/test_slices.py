"""Slices by genre, length, place, period and spelling; and the surest mistakes."""

import dataclasses

import numpy as np
import pytest

from data.article import LabelledArticle
from data.taxonomy import Taxonomy
from models.classifier import Classifier
from tests.conftest import labelled
from train.evaluate import score
from train.scores import UNKNOWN, Gold, gold_of
from train.slices import NOT_STATED, digits, final_ya, hamza, length, period, slices
from train.worst import worst


@pytest.mark.parametrize(
    ("of", "text", "wanted"),
    [
        (hamza, "أكّد الوزير أن الإجراء لا يمسّ أحداً", "written"),
        (hamza, "اكد الوزير ان الاجراء لا يمس احدا في البلاد", "left out"),
        (final_ya, "قال فى بيان إن القوات انسحبت", "confused"),
        (final_ya, "قال علي زيدان في بيان إلى الصحف", "told apart"),  # a name is no misspelling
        (final_ya, "فىلم", "told apart"),
        (digits, "سنة ٢٠١١ و2012", "both"),
        (digits, "سنة ٢٠١١", "Arabic"),
        (digits, "سنة 2011", "Latin"),
        (digits, "سنة", "none"),
        (period, "2014-08-26", "2010-2014"),
        (period, "\u200fأغسطس 1968", "1965-1969"),
        (period, "", NOT_STATED),
        (length, "كلمة " * 149, "0 to 149 words"),
        (length, "كلمة " * 150, "150 to 299 words"),
        (length, "كلمة " * 900, "600 words or more"),
    ],
)
def test_classes(of: object, text: str, wanted: str) -> None:
    assert callable(of)
    assert of(text) == wanted


def body(taxonomy: Taxonomy) -> list[LabelledArticle]:
    items = [labelled(i, taxonomy) for i in range(24)]
    return [
        dataclasses.replace(item, genre="report" if i < 20 else "satire", date=f"{2010 + i}-01-01", place="")
        for i, item in enumerate(items)
    ]


def test_a_slice_has_its_own_figures_and_a_small_one_says_so(taxonomy: Taxonomy) -> None:
    items = body(taxonomy)
    gold = gold_of(items, taxonomy)
    predicted = gold.relevance == 1
    predicted[20:] = ~predicted[20:]  # satire is read the wrong way round
    guessed = np.where(gold.stance == UNKNOWN, 0, gold.stance)
    guessed[:10] = (guessed[:10] + 1) % 3
    found = {(s["kind"], s["slice"]): s for s in slices(items, predicted, guessed, gold, np.arange(24))}
    report, other = found["genre", "report"], found["genre", "other"]  # four satires are too few to be named
    assert (report["articles"], other["articles"]) == (20, 4)
    assert (report["small"], other["small"]) == (False, True)
    assert report["relevance_f1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert other["relevance_f1"]["value"] == 0.0
    assert report["stance_right"]["low"] < report["stance_right"]["value"] == 0.5 < report["stance_right"]["high"]
    assert ("period", "2010-2014") in found
    assert not [name for kind, name in found if kind == "place"]  # one class is no slice


def test_slices_of_what_nobody_annotated(taxonomy: Taxonomy) -> None:
    items = body(taxonomy)
    nothing = Gold(np.full((24, 3), UNKNOWN), np.full((24, 3), UNKNOWN))
    for found in slices(items, np.ones((24, 3), dtype=bool), np.zeros((24, 3), dtype=np.int64), nothing, np.arange(24)):
        assert (found["relevance_f1"], found["stance_right"], found["stance_pairs"]) == (None, None, 0)


def test_the_surest_mistake_comes_first_and_tells_no_text(classifier: Classifier, taxonomy: Taxonomy) -> None:
    items = [labelled(i, taxonomy) for i in range(4)]
    answers = []
    for answer, (probability, stances) in zip(
        score(classifier, items),
        ((0.3, (0.9, 0.05, 0.05)), (0.99, (1.0, 0.0, 0.0)), (0.6, (0.0, 0.1, 0.9)), (0.6, (0.0, 0.1, 0.9))),
        strict=True,
    ):
        decision = dataclasses.replace(answer.topics[0].decision, probability=probability, stances=stances)
        topic = dataclasses.replace(answer.topics[0], decision=decision, threshold=0.5)
        answers.append(dataclasses.replace(answer, topics=(topic,)))
    # topic 0: a0 relevant, favor; a1 not; a2 relevant, against; a3 not
    found = worst(answers, items, taxonomy.stances)
    assert [(row["id"], row["gold"], row["predicted"], row["probability"]) for row in found] == [
        ("a1", "not relevant", "relevant", 0.99),
        ("a2", "against", "neutral", 0.9),
        ("a0", "relevant", "not relevant", 0.7),
        ("a3", "not relevant", "relevant", 0.6),
    ]
    assert len(worst(answers, items, taxonomy.stances, most=2)) == 2
    assert not any(items[0].article.text[:20] in str(row) for row in found)
