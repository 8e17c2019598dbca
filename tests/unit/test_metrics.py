import dataclasses
import json

import numpy as np
import pytest

from data.taxonomy import Taxonomy
from models.contract import Abstention, Calibration
from tests.conftest import labelled
from train.calibrate import best_threshold, calibrate, calibrate_abstention, fit_relevance, fit_stance
from train.metrics import calibration_error, f1, measure, stance_end_to_end, stance_macro_f1, topic_macro_f1
from train.scores import UNKNOWN, Gold, Scores, units_of

RELEVANCE = np.array([[1, 0], [1, 1], [0, 1], [0, UNKNOWN]])
STANCE = np.array([[0, UNKNOWN], [1, 2], [UNKNOWN, 2], [UNKNOWN, UNKNOWN]])


def test_f1_by_hand() -> None:
    assert f1(np.array([True, True, False]), np.array([True, False, True])) == 0.5
    assert f1(np.array([False]), np.array([False])) == 0.0


def test_topic_macro_leaves_out_what_nobody_annotated() -> None:
    predicted = np.array([[True, False], [False, True], [False, True], [False, True]])
    # topic 0: 1 of 2 found, none wrong: 2/3; topic 1: both found, the unknown fourth doesn't count: 1
    assert topic_macro_f1(predicted, RELEVANCE) == pytest.approx((2 / 3 + 1) / 2)


def test_stance_given_relevance() -> None:
    guessed = np.array([[0, 0], [0, 2], [0, 2], [1, 1]])
    # pairs: 0->0, 1->0, 2->2, 2->2: favor 2/3, against 0, neutral 1
    assert stance_macro_f1(guessed, STANCE, 3) == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_stance_end_to_end_counts_misses_and_false_alarms() -> None:
    guessed = np.array([[0, 0], [1, 2], [0, 2], [1, 1]])
    everything_found = np.array([[True, False], [True, True], [False, True], [False, False]])
    assert stance_end_to_end(everything_found, guessed, RELEVANCE, STANCE, 3) == 1.0
    one_missed = everything_found & np.array([[True, True], [True, False], [True, True], [True, True]])
    assert stance_end_to_end(one_missed, guessed, RELEVANCE, STANCE, 3) == pytest.approx((1 + 1 + 2 / 3) / 3)
    one_false = everything_found | np.array([[False, True], [False, False], [False, False], [False, True]])
    assert stance_end_to_end(one_false, guessed, RELEVANCE, STANCE, 3) == pytest.approx((2 / 3 + 1 + 1) / 3)


def test_calibration_error_by_hand() -> None:
    p = np.array([[0.95], [0.95], [0.05], [0.05]])
    y = np.array([[1], [0], [0], [0]])
    assert calibration_error(p, y) == pytest.approx(0.5 * 0.45 + 0.5 * 0.05)


def test_measure_has_counts_and_intervals(taxonomy: Taxonomy) -> None:
    rng = np.random.default_rng(0)
    relevance = rng.integers(0, 2, size=(60, 3))
    stance = np.where(relevance == 1, rng.integers(0, 3, size=(60, 3)), UNKNOWN)
    perfect = Scores((relevance * 0.98 + 0.01).astype(np.float64), np.eye(3)[np.maximum(stance, 0)])
    result = measure(perfect, relevance == 1, Gold(relevance, stance), taxonomy)
    assert result["topic_macro_f1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert result["stance_macro_f1"]["value"] == 1.0
    assert result["stance_pairs"] == int((relevance == 1).sum())
    guess = Scores(rng.random((60, 3)), rng.random((60, 3, 3)))
    result = measure(guess, guess.relevance > 0.5, Gold(relevance, stance), taxonomy)
    for name in ("topic_macro_f1", "stance_macro_f1", "stance_end_to_end"):
        figure = result[name]
        assert figure["low"] < figure["value"] < figure["high"] < 1.0
    assert set(result["calibration_error"]) == {"value"}  # biased upward: its percentiles need not hold the value


def test_intervals_are_over_events(taxonomy: Taxonomy) -> None:
    rng = np.random.default_rng(2)
    relevance = np.repeat(rng.integers(0, 2, size=(12, 3)), 5, axis=0)
    guess = np.repeat(rng.random((12, 3)), 5, axis=0)
    scores, gold = Scores(guess, np.zeros((60, 3, 3))), Gold(relevance, np.full((60, 3), UNKNOWN))
    alone, together = (
        measure(scores, guess > 0.5, gold, taxonomy, units=units)["topic_macro_f1"]
        for units in (None, np.repeat(np.arange(12), 5))
    )
    assert alone["value"] == together["value"]
    # five articles that say the same are worth one: the interval is about √5 as wide
    assert 1.6 < (together["high"] - together["low"]) / (alone["high"] - alone["low"]) < 2.8


def test_an_article_without_event_is_its_own_unit(taxonomy: Taxonomy) -> None:
    items = [dataclasses.replace(labelled(i, taxonomy), event=event) for i, event in enumerate(("x", "", "x", "", "y"))]
    assert units_of(items).tolist() == [0, 1, 0, 2, 3]


def test_what_nobody_annotated_is_null_in_json(taxonomy: Taxonomy) -> None:
    nothing = Gold(np.full((4, 3), UNKNOWN), np.full((4, 3), UNKNOWN))
    scores = Scores(np.full((4, 3), 0.5), np.full((4, 3, 3), 1 / 3))
    result = measure(scores, np.ones((4, 3), dtype=bool), nothing, taxonomy)
    json.dumps(result, allow_nan=False)
    for name in ("topic_macro_f1", "stance_macro_f1", "stance_end_to_end", "calibration_error"):
        assert result[name] is None
    stance = nothing.stance.copy()
    stance[:3, 0] = [0, 0, 1]  # all guessed 0: F1 0.8 and 0
    relevance = np.where(stance == UNKNOWN, 0, 1)
    result = measure(scores, relevance == 1, Gold(relevance, stance), taxonomy)
    assert [result["topics"][topic]["stance_macro_f1"] for topic in taxonomy.ids] == [0.4, None, None]
    stance[2, 0] = 0
    stance[3, 0] = 1
    result = measure(scores, relevance == 1, Gold(relevance, stance), taxonomy)
    assert result["topics"][taxonomy.ids[0]]["stance_macro_f1"] == 0.4286


def test_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=4000) * 2
    y = (rng.random(4000) < 1 / (1 + np.exp(-truth))).astype(np.int64)
    found = fit_relevance(truth * 3 + 6, y)
    assert found["relevance_temperature"] == pytest.approx(3.0, rel=0.15)
    assert found["relevance_bias"] == pytest.approx(-2.0, abs=0.15)
    logits = rng.normal(size=(4000, 3)) * 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(3, p=row) for row in p])
    assert fit_stance(logits * 2, labels) == pytest.approx(2.0, rel=0.15)


def test_a_temperature_of_few_pairs_stays_near_one() -> None:
    right, wrong = np.array([[4.0, 0.0, 0.0]]), np.array([1])
    assert 1 / 1.1 < fit_stance(right, np.array([0])) < 1 < fit_stance(right, wrong) < 1.1
    logits, relevant = np.array([3.0, 3.0, -3.0, -3.0]), np.array([0, 0, 1, 1])
    few, many = fit_relevance(logits, relevant), fit_relevance(np.tile(logits, 500), np.tile(relevant, 500))
    assert 1 < few["relevance_temperature"] < 1.3
    assert many["relevance_temperature"] > 7


def test_a_bias_of_few_articles_stays_near_nil() -> None:
    logits, relevant = np.array([2.0, 1.0, 0.5, -0.5]), np.array([1, 0, 0, 0])
    few, many = fit_relevance(logits, relevant), fit_relevance(np.tile(logits, 500), np.tile(relevant, 500))
    assert -0.2 < few["relevance_bias"] < 0
    assert many["relevance_bias"] < -1


def test_a_threshold_of_few_articles_stays_near_a_half() -> None:
    p = np.concatenate([np.full(5, 0.35), np.full(50, 0.1)])
    y = np.concatenate([np.ones(5), np.zeros(50)]).astype(np.int64)
    few, many = best_threshold(p, y), best_threshold(np.tile(p, 40), np.tile(y, 40))
    assert many < 0.35
    assert 0.42 < few < 0.5


def test_a_topic_with_one_answer_only_is_left_uncalibrated() -> None:
    logits = Scores(np.array([[2.0, 1.0], [1.0, -1.0]]), np.zeros((2, 2, 3)))
    gold = Gold(np.array([[1, 1], [1, 0]]), np.full((2, 2), UNKNOWN))
    first, second = calibrate(logits, gold)
    assert (first.relevance_temperature, first.threshold) == (1.0, 0.5)
    assert second.relevance_temperature != 1.0


def test_abstention_gives_the_precision_asked_for() -> None:
    # a confidence of 0.95 is always right (60 times), of 0.8 three times in four (40 times), of 0.55 by halves (100)
    logits = np.log(np.repeat([0.95, 0.8, 0.55], [60, 40, 100]) / np.repeat([0.05, 0.2, 0.45], [60, 40, 100]))
    relevant = np.concatenate([np.ones(60), np.tile([1, 1, 1, 0], 10), np.tile([1, 0], 50)]).astype(np.int64)
    scores = Scores(logits[:, None], np.zeros((200, 1, 3)))
    gold = Gold(relevant[:, None], np.full((200, 1), UNKNOWN))
    plain = (Calibration(),)

    def chosen(precision: float) -> float:
        return calibrate_abstention(scores, gold, plain, relevance=precision, stance=0.9).relevance

    assert chosen(0.9) == pytest.approx(0.8, abs=1e-3)  # 90 of 100
    assert chosen(0.95) == pytest.approx(0.95, abs=1e-3)
    assert chosen(0.6) == 0.0  # all 200 give 0.7
    assert chosen(0.0) == 0.0
    assert calibrate_abstention(scores, gold, plain, relevance=0.9, stance=0.9).stance == 0.0  # no stance to judge by
    nothing = Gold(np.full((200, 1), UNKNOWN), gold.stance)
    assert calibrate_abstention(scores, nothing, plain, relevance=0.9, stance=0.9) == Abstention()


def test_abstention_out_of_reach_answers_the_surest_few() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(200, 1))
    gold = Gold(rng.integers(0, 2, size=(200, 1)), np.full((200, 1), UNKNOWN))
    chosen = calibrate_abstention(
        Scores(logits, np.zeros((200, 1, 3))), gold, (Calibration(),), relevance=0.99, stance=0
    )
    sure = np.maximum(1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits)))
    assert chosen != Abstention()
    assert 30 <= (sure >= chosen.relevance).sum() < 35
