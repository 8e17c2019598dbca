import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from data.article import Label, LabelledArticle
from data.taxonomy import Taxonomy
from models.card import render_card, render_scores
from models.checkpoint import Checkpoint
from models.classifier import Answer, Classifier, TopicAnswer
from models.decision import Decision
from models.evidence import Evidence
from tests.conftest import article, labelled
from train.baselines import constant, tfidf
from train.evaluate import evaluate, evidence_quality, score
from train.scores import UNKNOWN, Gold, gold_of


def without_stances(item: LabelledArticle) -> LabelledArticle:
    return dataclasses.replace(item, labels={t: Label(label.relevant) for t, label in item.labels.items()})


def bare(number: int, taxonomy: Taxonomy, text: str) -> LabelledArticle:
    """Of no other words than ``text``."""
    item = labelled(number, taxonomy)
    return dataclasses.replace(item, article=dataclasses.replace(item.article, title="", text=text))


@pytest.mark.parametrize("topics", [1, 3])
def test_baselines_of_topics_alone(topics: int, taxonomy: Taxonomy) -> None:
    plain = dataclasses.replace(taxonomy, topics=taxonomy.topics[:topics], stances=())
    items = [without_stances(labelled(i, taxonomy)) for i in range(8)]
    fitted = tfidf(items[:6], plain)
    assert fitted is not None
    for result in (fitted.evaluate(items[6:]), constant(gold_of(items[:6], plain), items[6:], plain)):
        assert list(result["topics"]) == list(plain.ids)
        assert "stance_macro_f1" not in result


def test_a_repeated_article_brings_no_words_of_its_own(taxonomy: Taxonomy) -> None:
    assert tfidf([bare(0, taxonomy, "سفينة"), bare(1, taxonomy, "ميناء")] * 2, taxonomy) is None


def test_one_article_is_enough_for_a_baseline(taxonomy: Taxonomy) -> None:
    fitted = tfidf([labelled(0, taxonomy)], taxonomy)
    assert fitted is not None
    assert fitted.evaluate([labelled(1, taxonomy)])["articles"] == 1


@pytest.mark.parametrize("texts", [["…"], ["سفينة", "ميناء"]])
def test_no_baseline_without_a_word_in_common(texts: list[str], taxonomy: Taxonomy) -> None:
    assert tfidf([bare(i, taxonomy, text) for i, text in enumerate(texts)], taxonomy) is None


def test_thresholds_of_the_baseline_are_chosen_on_dev(taxonomy: Taxonomy) -> None:
    train = [labelled(i, taxonomy) for i in range(12)]
    dev = [
        dataclasses.replace(labelled(i, taxonomy), labels=dict.fromkeys(taxonomy.ids, Label(i > 20)))
        for i in range(20, 40)
    ]
    plain, tuned, one_sided = (tfidf(train, taxonomy, items) for items in ((), dev, dev[1:]))
    assert plain is not None
    assert tuned is not None
    assert one_sided is not None
    # nearly all are relevant, so it pays to say so sooner; 19 articles are few, so not much sooner
    assert ((tuned.thresholds > 0.35) & (tuned.thresholds < 0.48)).all()
    assert plain.thresholds.tolist() == one_sided.thresholds.tolist() == [0.5, 0.5, 0.5]
    assert tuned.evaluate(dev)["topic_macro_f1"]["value"] > plain.evaluate(dev)["topic_macro_f1"]["value"]


def test_the_constant_says_yes_where_there_is_a_relevant_article(taxonomy: Taxonomy) -> None:
    relevance = np.array([[1, 0, UNKNOWN], [0, 0, UNKNOWN], [0, 0, UNKNOWN]])
    stance = np.full((3, 3), UNKNOWN)
    stance[0, 0] = 2
    items = [labelled(i, taxonomy) for i in range(8)]
    result = constant(Gold(relevance, stance), items, taxonomy)
    first, second, third = (result["topics"][topic] for topic in taxonomy.ids)
    assert (first["recall"], first["precision"]) == (1.0, 0.5)
    assert second["f1"] == third["f1"] == 0.0
    json.dumps(result, allow_nan=False)


def test_evaluation_resamples_events(classifier: Classifier, taxonomy: Taxonomy) -> None:
    items = [labelled(i, taxonomy) for i in range(6)]
    linear = tfidf(items[:3], taxonomy)
    assert linear is not None
    # one event is drawn whole every time: nothing varies
    for body, varies in ((items, True), ([dataclasses.replace(item, event="e") for item in items], False)):
        ours = evaluate(classifier, body)
        assert ours["evidence"]["pairs"] > 0
        json.dumps(ours, allow_nan=False)
        for result in (ours, linear.evaluate(body), constant(gold_of(items, taxonomy), body, taxonomy)):
            assert (result["stance_macro_f1"]["low"] < result["stance_macro_f1"]["high"]) is varies


def marked(text: str, sentence: str, *, title: str = "خبر") -> LabelledArticle:
    start = text.index(sentence)
    label = Label(True, "favor", ((start, start + len(sentence)),))
    return LabelledArticle(dataclasses.replace(article(1), title=title, text=text), {"t": label})


def answered(item: LabelledArticle, classifier: Classifier) -> Answer:
    """As read by ``classifier``, but found relevant to topic ``t`` on the strength of the first sentence."""
    (answer,) = score(classifier, [item])
    first = answer.text.split("\n")[0]
    shown = (Evidence(0, len(first), first, 1.0),)
    return dataclasses.replace(answer, topics=(TopicAnswer("t", Decision(1.0, True, (), None, False), 0.5, shown),))


def test_evidence_of_web_pages_is_not_measured(classifier: Classifier) -> None:
    body = "رفض المجلس البلدي وجود أي قوة أجنبية على أرض المدينة ودعا إلى رحيلها فوراً."
    page = marked(f"<html><body><article><p>{body}</p><p>{body} مرة أخرى.</p></article></body></html>", body)
    plain = marked(f"{body}\nسطر آخر لا يقول شيئاً.", body)
    items = [page, plain]
    answers = [answered(item, classifier) for item in items]
    assert answers[0].text != page.article.text
    assert evidence_quality(answers[:1], items[:1]) == {"pairs": 0}
    assert evidence_quality(answers, items)["pairs"] == 1


def test_marks_of_what_is_not_relevant_are_no_evidence(classifier: Classifier) -> None:
    body = "رفض المجلس البلدي وجود أي قوة أجنبية على أرض المدينة."
    item = marked(f"{body}\nسطر آخر لا يقول شيئاً.", body)
    (topic,) = (name for name, label in item.labels.items() if label.evidence)
    no = dataclasses.replace(item, labels={topic: dataclasses.replace(item.labels[topic], relevant=False, stance=None)})
    answer = answered(item, classifier)
    assert evidence_quality([answer, answer], [item, no])["pairs"] == 1


def test_chance_is_over_the_sentences_read(classifier: Classifier) -> None:
    body = "رفض المجلس البلدي وجود أي قوة أجنبية على أرض المدينة."
    item = marked(f"{body}\nسطر آخر لا يقول شيئاً.\nشارك على فيسبوك تويتر واتساب\nاترك تعليقا", body)
    answer = answered(item, classifier)
    assert "cut_share" in answer.warnings
    assert evidence_quality([answer], [item])["chance"] == 0.5


def test_the_card_states_only_what_is_so(checkpoint: Checkpoint, classifier: Classifier, taxonomy: Taxonomy) -> None:
    items = [labelled(i, taxonomy) for i in range(4)]
    bodies = {"wijha": evaluate(classifier, items), "constant": constant(gold_of(items, taxonomy), items, taxonomy)}
    metrics: dict[str, Any] = {"train_articles": 4, "scores": {"test": bodies}}
    ours = render_card({**checkpoint.manifest, "base": "models/base"}, metrics)
    assert "bundled articles" in ours
    assert "bundled encoder" in ours
    assert ours == render_card({**checkpoint.manifest, "base": "models/base"}, metrics | {"bundled": True})
    other = render_card({**checkpoint.manifest, "base": "some/bert"}, metrics | {"bundled": False})
    assert "undled" not in other
    assert "Modern Standard" not in other
    assert "`some/bert`" in other


def figures(value: float, taxonomy: Taxonomy) -> dict[str, Any]:
    figure = {"value": value, "low": value - 0.1, "high": value + 0.1}
    topic = {"relevant": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0, "stance_macro_f1": None}
    return {
        "articles": 9,
        "topic_macro_f1": figure,
        "stance_macro_f1": None,
        "stance_end_to_end": figure,
        "calibration_error": {"value": 0.071},
        "topics": dict.fromkeys(taxonomy.ids, topic),
    }


def test_the_table_has_no_nan_and_names_where_a_baseline_is_better(taxonomy: Taxonomy) -> None:
    scores = {"held_out": {"wijha": figures(0.5, taxonomy), "constant": figures(0.6, taxonomy)}}
    table = render_scores({"scores": scores})
    assert "nan" not in table.lower()
    assert "| – (0) | 0.500 [0.400, 0.600] | 0.071 |" in table
    assert "- held out by id*, topic macro-F1: 0.500 against 0.600 of constant" in table
    scores["held_out"]["wijha"] = figures(0.7, taxonomy)
    assert "against" not in render_scores({"scores": scores})
