"""Selective prediction, confusion and reliability, by hand."""

import dataclasses

import numpy as np
import pytest

from data.taxonomy import Taxonomy
from models.classifier import Answer, Classifier
from models.contract import Abstention
from tests.conftest import labelled
from train.evaluate import score
from train.metrics import calibration_error, confusion, reliability
from train.scores import UNKNOWN, gold_of, units_of
from train.selective import Judged, judge, risk_coverage, selective


def judged(confidence: list[float], right: list[int], given: list[int] | None = None) -> Judged:
    count = len(right)
    return Judged(
        np.array(confidence),
        np.array(right, dtype=bool),
        np.array(given if given is not None else [1] * count, dtype=bool),
        np.arange(count),
    )


def test_risk_grows_with_coverage_and_the_area_is_its_mean() -> None:
    curve = risk_coverage(judged([0.6, 0.9, 0.8, 0.7], [0, 1, 1, 0]))
    assert curve["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert curve["risk"] == [0.0, 0.0, 0.3333, 0.5]
    assert curve["area"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4, abs=1e-4)


def test_equally_sure_answers_are_given_together_in_whatever_order() -> None:
    one, two = (risk_coverage(judged([0.9, 0.5, 0.5], right)) for right in ([1, 0, 1], [1, 1, 0]))
    assert one == two
    assert one["coverage"] == [0.3333, 1.0]
    assert one["area"] == pytest.approx((0 + 1 / 3 + 1 / 3) / 3, abs=1e-4)
    assert risk_coverage(judged([], [])) == {"coverage": [], "risk": [], "area": None}


def test_a_long_curve_is_thinned_to_its_ends() -> None:
    rng = np.random.default_rng(0)
    curve = risk_coverage(judged(list(rng.random(5000)), list(rng.integers(0, 2, 5000))))
    assert len(curve["coverage"]) <= 200
    assert curve["coverage"][-1] == 1.0


def test_coverage_and_share_of_right_answers_at_the_abstention() -> None:
    found = selective(judged([0.9] * 8, [1, 1, 1, 0, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0, 0, 0]))
    values = {name: found[name]["value"] for name in ("coverage", "right", "always")}
    assert values == {"coverage": 0.5, "right": 0.75, "always": 0.5}
    assert found["right"]["low"] < 0.75 < found["right"]["high"]
    nothing = selective(judged([0.9, 0.8], [1, 0], [0, 0]))
    assert nothing["right"] is None
    assert nothing["coverage"]["value"] == 0.0
    assert selective(judged([], []))["pairs"] == 0


def answered(probability: float, stances: tuple[float, ...], classifier: Classifier, taxonomy: Taxonomy) -> Answer:
    """A real answer with another decision on the first topic; the others were abstained from."""
    (answer,) = score(classifier, [labelled(0, taxonomy)])
    decision = dataclasses.replace(
        answer.topics[0].decision,
        probability=probability,
        relevant=probability >= 0.5,
        stances=stances,
        abstained=False,
    )
    unsure = dataclasses.replace(decision, relevant=None, stance=None, abstained=True)
    topics = [dataclasses.replace(t, decision=decision if k == 0 else unsure) for k, t in enumerate(answer.topics)]
    return dataclasses.replace(answer, topics=tuple(topics))


def test_the_three_questions_of_a_pair(classifier: Classifier, taxonomy: Taxonomy) -> None:
    items = [labelled(0, taxonomy), labelled(0, taxonomy)]  # topic 0: relevant, favor; 1: not relevant; 2: relevant
    answers = [
        answered(0.9, (0.7, 0.2, 0.1), classifier, taxonomy),  # right twice
        answered(0.9, (0.1, 0.8, 0.1), classifier, taxonomy),  # wrong stance
    ]
    contract = dataclasses.replace(classifier.contract, abstention=Abstention(0.0, 0.75))
    gold = gold_of(items, taxonomy)
    gold.relevance[:, 1:], gold.stance[:, 1:] = UNKNOWN, UNKNOWN
    found = judge(answers, gold, units_of(items), contract)
    assert found["relevance"].right.tolist() == [True, True]
    assert found["stance"].right.tolist() == [True, False]
    assert found["stance"].given.tolist() == [False, True]
    assert found["whole"].right.tolist() == [True, False]
    assert found["whole"].confidence == pytest.approx([0.63, 0.72])
    whole = judge(answers, gold_of(items, taxonomy), units_of(items), contract)["whole"]
    assert whole.given.reshape(2, 3).tolist() == [[True, False, False]] * 2


def test_confusion_has_gold_by_row() -> None:
    gold, guessed = np.array([[0, 1], [1, UNKNOWN]]), np.array([[1, 1], [1, 0]])
    assert confusion(guessed, gold, 3).tolist() == [[0, 1, 0], [0, 2, 0], [0, 0, 0]]


def test_reliability_bins_make_the_calibration_error() -> None:
    p, y = np.array([[0.95], [0.97], [1.0], [0.2]]), np.array([[1], [0], [UNKNOWN], [0]])
    low, high = reliability(p, y)
    assert low == {"pairs": 1, "probability": pytest.approx(0.2), "share": 0.0}
    assert high == {"pairs": 2, "probability": pytest.approx(0.96), "share": 0.5}
    assert calibration_error(p, y) == pytest.approx(1 / 3 * 0.2 + 2 / 3 * 0.46)
