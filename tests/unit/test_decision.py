import dataclasses

import numpy as np
import pytest

from data.taxonomy import Taxonomy
from models.classifier import Answer, Classifier
from models.contract import Abstention, Calibration, Contract, EvidenceRule, Windows
from models.decision import Pooled, decide, pool, sigmoid
from models.encoding import Encoded, Sentence, Window
from models.evidence import evidence
from tests.conftest import SENTENCES, article


def encoded(lengths: list[int], sentence_of: list[int], sentences: int) -> Encoded:
    """Windows of given numbers of counted tokens, two special tokens around each."""
    windows, first = [], 0
    for length in lengths:
        windows.append(Window(np.zeros(length + 2, dtype=np.int64), np.arange(1, length + 1), first))
        first += length
    where = tuple(Sentence("text", i * 10, i * 10 + 9) for i in range(sentences))
    starts = np.zeros(len(sentence_of), dtype=np.int64)
    return Encoded("x" * 10 * sentences, where, np.array(sentence_of), starts, tuple(windows), ())


def test_windows_merge_as_log_sum_exp_says() -> None:
    rng = np.random.default_rng(0)
    heads = [rng.normal(size=(length + 2, 3, 5)).astype(np.float32) * 3 for length in (7, 4, 9)]
    item = encoded([7, 4, 9], [0] * 20, 1)
    pooled = pool(item, heads)
    # window by window: its own softmax mean, weighed by the softmax of its log-sum-exp (the closed form)
    mass, means = [], []
    for head in heads:
        tokens = head[1:-1].astype(np.float64)
        weights = np.exp(tokens[..., 0])
        mass.append(np.log(weights.sum(axis=0)))
        means.append((weights[..., None] * tokens[..., 1:]).sum(axis=0) / weights.sum(axis=0)[:, None])
    share = np.exp(np.array(mass)) / np.exp(np.array(mass)).sum(axis=0)
    merged = (share[..., None] * np.array(means)).sum(axis=0)
    np.testing.assert_allclose(pooled.relevance, merged[:, 0], rtol=1e-12)
    np.testing.assert_allclose(pooled.stance, merged[:, 1:], rtol=1e-12)


def test_special_and_uncounted_tokens_take_no_part() -> None:
    heads = np.zeros((6, 1, 2), dtype=np.float32)
    heads[0] = heads[-1] = 50.0
    heads[1:-1, 0, 1] = [1, 2, 3, 4]
    item = encoded([4], [0, 0, 1, 1], 2)
    pooled = pool(item, [heads])
    assert pooled.relevance[0] == pytest.approx(2.5)
    np.testing.assert_allclose(pooled.attention[:, 0], [0.5, 0.5])


def test_huge_scores_do_not_overflow() -> None:
    heads = np.zeros((4, 1, 2), dtype=np.float32)
    heads[1, 0] = [3e4, 7.0]
    heads[2, 0] = [-3e4, 1.0]
    pooled = pool(encoded([2], [0, 0], 1), [heads])
    assert pooled.relevance[0] == pytest.approx(7.0)
    assert float(sigmoid(np.float64(-1e5))) == 0.0
    assert float(sigmoid(np.float64(1e5))) == 1.0


def test_decisions_follow_temperature_and_threshold(taxonomy: Taxonomy) -> None:
    contract = Contract(
        taxonomy,
        Windows(),
        (Calibration(2.0, 1.0, 0.7), Calibration(1.0, 1.0, 0.9), Calibration(1.0, 1.0, 0.5)),
    )
    pooled = Pooled(np.array([2.0, 2.0, 0.0]), np.array([[3.0, 0, 0], [0, 3.0, 0], [0, 0, 3.0]]), np.ones((1, 3)))
    first, second, third = decide(pooled, contract)
    assert first.probability == pytest.approx(1 / (1 + np.exp(-1)))
    assert (first.relevant, first.stance) == (True, "favor")
    assert (second.relevant, second.stance) == (False, None)
    assert (third.relevant, third.stance) == (True, "neutral")
    assert sum(second.stances) == pytest.approx(1.0)


def test_topics_without_stances(taxonomy: Taxonomy) -> None:
    plain = dataclasses.replace(taxonomy, stances=())
    contract = Contract(plain, Windows(), (Calibration(),) * 3)
    answer = decide(Pooled(np.ones(3), np.zeros((3, 0)), np.ones((1, 3))), contract)
    assert [(d.relevant, d.stance, d.stances) for d in answer] == [(True, None, ())] * 3


def test_what_is_too_unsure_is_not_said(taxonomy: Taxonomy) -> None:
    contract = Contract(taxonomy, Windows(), (Calibration(),) * 3, abstention=Abstention(relevance=0.7, stance=0.6))
    stances = np.array([[3.0, 0, 0], [0, 3.0, 0], [0, 0, 0.5]])
    unsure, against, no_stance = decide(Pooled(np.array([0.5, 2.0, 2.0]), stances, np.ones((1, 3))), contract)
    assert (unsure.relevant, unsure.stance, unsure.abstained) == (None, None, True)
    assert (against.relevant, against.stance, against.abstained) == (True, "against", False)
    assert (no_stance.relevant, no_stance.stance, no_stance.abstained) == (True, None, True)
    no, unsure_no, _ = decide(Pooled(np.array([-2.0, -0.5, 0.0]), stances, np.ones((1, 3))), contract)
    assert (no.relevant, no.stance, no.abstained) == (False, None, False)
    assert (unsure_no.relevant, unsure_no.abstained) == (None, True)


def test_evidence_is_ranked_and_never_the_headline() -> None:
    item = dataclasses.replace(
        encoded([5], [0, 1, 2, 3, 4], 5),
        sentences=(Sentence("title", 0, 9), *(Sentence("text", i * 10, i * 10 + 9) for i in range(4))),
    )
    shares = np.array([0.5, 0.1, 0.3, 0.02, 0.08])
    shown = evidence(item, shares, EvidenceRule(most=3, least_share=0.08))
    assert [(e.start, e.share) for e in shown] == [(10, 0.3), (0, 0.1), (30, 0.08)]
    assert all(e.text == item.text[e.start : e.end] for e in shown)
    assert len(evidence(item, shares / 100, EvidenceRule())) == 1


def test_shares_sum_to_one_and_rebuild_the_logit(classifier: Classifier) -> None:
    (answer,) = classifier.classify([article(1, 40)])
    assert isinstance(answer, Answer)
    assert answer.windows > 3
    np.testing.assert_allclose(answer.pooled.attention.sum(axis=0), 1.0)


def test_the_window_length_changes_windows_not_the_arithmetic(classifier: Classifier) -> None:
    """Merged over many windows, an article of one repeated sentence still gives each copy the same kind of share."""
    text = "\n".join([SENTENCES[0]] * 30)
    (answer,) = classifier.classify([dataclasses.replace(article(1), text=text, title="")])
    assert isinstance(answer, Answer)
    assert answer.pooled.attention.shape == (30, 3)
    assert (answer.pooled.attention > 0).all()
