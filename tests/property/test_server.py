"""An article's answer over HTTP is its own: whatever it is sent with, in whatever order, at the same time as what."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.checkpoint import Checkpoint
from models.classifier import Answer, Classifier
from serve.app import create_app
from serve.door import _GROUP_ARTICLES
from serve.schema import result_out
from serve.settings import Settings
from tests.conftest import article
from tests.contract.test_http import ready

# More than a group's worth, some of them with nothing to read.
SENT = [{"id": str(n), "title": article(n).title, "text": article(n, n % 9).text} for n in range(_GROUP_ARTICLES + 4)]


@pytest.fixture(scope="module")
def client(checkpoint: Checkpoint) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(checkpoint=checkpoint.folder))) as client:
        ready(client)
        yield client


@pytest.fixture(scope="module")
def alone(client: TestClient) -> dict[str, Any]:
    """Each article's answer when it is sent by itself, without the place an error names."""
    return {item["id"]: bare(ask(client, [item])[0]) for item in SENT}


def ask(client: TestClient, items: list[dict[str, str]]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = client.post("/classify", json={"articles": items}).json()["results"]
    return results


def bare(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "error": result["error"] and result["error"]["code"]}


@given(st.permutations(SENT).flatmap(lambda items: st.integers(1, len(items)).map(lambda count: items[:count])))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_it_is_sent_with(client: TestClient, alone: dict[str, Any], items: list[dict[str, str]]) -> None:
    results = ask(client, items)
    assert [bare(result) for result in results] == [alone[item["id"]] for item in items]
    for place, result in enumerate(results):
        assert result["error"] is None or result["error"]["where"] == f"articles[{place}].text"


def test_whatever_is_asked_at_the_same_time(client: TestClient, alone: dict[str, Any]) -> None:
    lists = [SENT[start:] + SENT[:start] for start in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for items, results in zip(lists, pool.map(lambda items: ask(client, items), lists), strict=True):
            assert [bare(result) for result in results] == [alone[item["id"]] for item in items]


def test_every_door_gives_the_classifiers_answer(
    client: TestClient, classifier: Classifier, alone: dict[str, Any]
) -> None:
    items = [article(n, n % 9 + 1, str(n)) for n in range(5)]
    sent = [{"id": item.id, "title": item.title, "text": item.text} for item in items]
    answers = [answer for answer in classifier.classify(items) if isinstance(answer, Answer)]
    wanted = [result_out(answer, classifier.contract).model_dump() for answer in answers]
    assert ask(client, sent) == wanted
    scores = client.post("/predict", json={"inputs": [[item.title, item.text] for item in items]}).json()
    for result, predictions in zip(wanted, scores, strict=True):
        assert {p["label"]: p["score"] for p in predictions} == {t["id"]: t["probability"] for t in result["topics"]}
