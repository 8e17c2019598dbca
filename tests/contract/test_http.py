"""The HTTP API as a client sees it."""

import asyncio
import re
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.errors import CheckpointError, ConfigError
from models.checkpoint import Checkpoint
from serve.app import create_app
from serve.engine import Engine
from serve.settings import Settings
from tests.conftest import SENTENCES, article

TEXT = "\n".join(SENTENCES)
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client(checkpoint: Checkpoint) -> Iterator[TestClient]:
    settings = Settings(checkpoint=checkpoint.folder, max_articles=5, max_characters=5000, max_body_bytes=100_000)
    with TestClient(create_app(settings)) as client:
        ready(client)
        yield client


def ready(client: TestClient) -> Any:
    """The answer of ``/health/ready`` once loading has ended, well or not."""
    while (response := client.get("/health/ready")).json().get("code") == "loading":
        pass
    return response


def classify(client: TestClient, body: Any) -> Any:
    response = client.post("/classify", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_one_text(client: TestClient, checkpoint: Checkpoint) -> None:
    answer = classify(client, {"text": TEXT})
    assert answer["model"] == {"name": "small", "digest": checkpoint.digest}
    (result,) = answer["results"]
    assert result["error"] is None
    assert [t["id"] for t in result["topics"]] == list(checkpoint.contract.taxonomy.ids)
    for topic in result["topics"]:
        assert topic["relevant"] == (topic["probability"] >= topic["threshold"])
        assert (topic["stance"] is not None) == topic["relevant"] == bool(topic["evidence"])
        assert topic["name"]["ar"]
        if topic["stance"]:
            chances = topic["stance"]["probabilities"]
            assert set(chances) == {"favor", "against", "neutral"}
            assert sum(chances.values()) == pytest.approx(1, abs=1e-4)
            assert chances[topic["stance"]["label"]] == max(chances.values()) == topic["stance"]["probability"]
        shares = [e["share"] for e in topic["evidence"]]
        assert shares == sorted(shares, reverse=True)
        assert all(TEXT[e["start"] : e["end"]] == e["text"] for e in topic["evidence"])


def test_bad_articles_are_errors_in_their_places(client: TestClient) -> None:
    good = {"id": "g", "title": "عنوان", "text": TEXT}
    answer = classify(client, {"articles": [{"id": "e", "text": ""}, good, 7, {"title": "x"}, {"text": "ب" * 5001}]})
    results = answer["results"]
    assert [r["id"] for r in results] == ["e", "g", "2", "3", "4"]
    assert [r["error"] and r["error"]["code"] for r in results] == [
        "empty_text",
        None,
        "bad_article",
        "bad_article",
        "article_too_long",
    ]
    assert [r["error"] and r["error"]["where"] for r in results] == [
        "articles[0].text",
        None,
        "articles[2]",
        "articles[3].text",
        "articles[4].text",
    ]
    assert results[1]["topics"]
    assert all(r["topics"] == [] for r in results if r["error"])


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        ({"text": ""}, "empty_text", "text"),
        ({"text": "ب" * 5001}, "article_too_long", "text"),
        ({"articles": [{"text": ""}]}, "empty_text", "articles[0].text"),
        ({"articles": [{"text": "ب", "colour": 1}]}, "bad_article", "articles[0].colour"),
    ],
)
def test_an_error_names_the_field_that_was_sent(client: TestClient, body: Any, code: str, where: str) -> None:
    error = classify(client, body)["results"][0]["error"]
    assert (error["code"], error["where"]) == (code, where)


def test_a_list_answers_like_one_by_one(client: TestClient) -> None:
    items = [{"id": str(i), "title": article(i).title, "text": article(i, i + 1).text} for i in range(5)]
    together = classify(client, {"articles": items})["results"]
    alone = [classify(client, {"articles": [item]})["results"][0] for item in items]
    assert together == alone


def test_a_page_is_read_and_its_text_given_back(client: TestClient) -> None:
    page = f"<html><body><article><p>{SENTENCES[0]}</p><p>{SENTENCES[1]}</p></article></body></html>"
    (result,) = classify(client, {"text": page})["results"]
    assert result["warnings"][0] == "html_extracted"
    text = result["extracted_text"]
    assert SENTENCES[0] in text
    for topic in result["topics"]:
        assert all(text[e["start"] : e["end"]] == e["text"] for e in topic["evidence"])


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        (b"", 400, "bad_json", "body"),
        (b"{", 400, "bad_json", "body"),
        (b"\xff\xfe", 400, "bad_json", "body"),
        (b"[" * 50_000 + b"]" * 50_000, 400, "bad_json", "body"),
        (b"[]", 422, "bad_request", "body"),
        (b"{}", 422, "bad_request", "body"),
        (b'{"text": 5}', 422, "bad_request", "text"),
        (b'{"text": "a", "articles": []}', 422, "bad_request", "body"),
        (b'{"articles": []}', 422, "bad_request", "articles"),
        (b'{"articles": {"text": "a"}}', 422, "bad_request", "articles"),
        (b'{"title": "t", "articles": [{"text": "a"}]}', 422, "bad_request", "title"),
        (b'{"text": "a", "colour": 1}', 422, "bad_request", "colour"),
        (b'{"articles": [1,2,3,4,5,6]}', 413, "too_many_articles", "articles"),
        (b'{"text": "' + b"a" * 100_000 + b'"}', 413, "body_too_large", "body"),
    ],
)
def test_bad_requests_are_problems(client: TestClient, body: bytes, status: int, code: str, where: str) -> None:
    response = client.post("/classify", content=body, headers=JSON)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"], problem["where"]) == (status, code, where)


def test_strange_characters_have_an_answer(client: TestClient) -> None:
    articles = [{"text": "\x00\x01 نص \ufeff" + TEXT}, {"text": "نص"}, {"text": "Hello there. " * 20}]
    results = classify(client, {"articles": articles})["results"]
    assert [r["error"] for r in results] == [None, None, None]
    assert [r["warnings"] for r in results] == [[], ["very_short"], ["not_arabic"]]
    body = b'{"articles": [{"text": "\\ud800"}, {"id": "\\ud800", "text": "a"}]}'
    response = client.post("/classify", content=body, headers=JSON)
    assert response.status_code == 200
    assert response.json()["results"][0]["error"]["code"] == "bad_characters"
    assert response.json()["results"][1]["error"] is None


def test_what_the_server_says_of_itself(client: TestClient, checkpoint: Checkpoint) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready", "model": "small"}
    topics = client.get("/topics").json()
    assert [t["id"] for t in topics] == list(checkpoint.contract.taxonomy.ids)
    model = client.get("/model").json()
    assert model["digest"] == checkpoint.digest
    assert model["card"] == ""  # this checkpoint has none
    assert model["limits"] == {
        "max_body_bytes": 100_000,
        "max_articles": 5,
        "max_characters": 5000,
        "max_waiting": 32,
        "timeout": 60,
    }


def test_the_description_has_problems_under_their_media_type(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    answers = paths["/classify"]["post"]["responses"]
    assert set(answers) == {"200", "400", "403", "413", "415", "421", "422", "429", "500", "503", "504"}
    for status in set(answers) - {"200"}:
        assert list(answers[status]["content"]) == ["application/problem+json"]
        assert "code" in answers[status]["content"]["application/problem+json"]["schema"]["required"]
    assert "503" in paths["/topics"]["get"]["responses"]


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready"])
def test_what_monitors_look_at_answers_head(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_page_of_the_description_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    assets = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert {Path(asset).suffix for asset in assets} == {".css", ".js", ".png"}
    assert [client.get(asset).status_code for asset in assets] == [200] * len(assets)
    assert client.get("/redoc").status_code == 404


def test_unknown_paths_and_methods_are_problems(client: TestClient) -> None:
    for response, code in ((client.get("/nothing"), "not_found"), (client.get("/classify"), "method_not_allowed")):
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == code


def test_not_ready_until_loaded_and_it_says_why(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(checkpoint=tmp_path))) as client:
        response = ready(client)
        assert client.get("/health/live").status_code == 200
        assert response.status_code == 503
        assert response.json()["code"] == "no_checkpoint"
        assert client.post("/classify", json={"text": "نص"}).status_code == 503


def test_each_request_gets_an_error_of_its_own(tmp_path: Path) -> None:
    engine = Engine(Settings(checkpoint=tmp_path))
    for code in ("loading", "no_checkpoint"):
        caught = []
        for _ in range(2):
            with pytest.raises(CheckpointError, match=code) as info:
                _ = engine.loaded
            caught.append(info.value)
        assert caught[0] is not caught[1]
        assert len(traceback.extract_tb(caught[1].__traceback__)) == 2
        engine._load()  # in this thread: start() would have to be waited for


def test_a_fault_is_a_problem_that_gives_nothing_away(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: Any) -> None:
        raise ValueError(TEXT)

    monkeypatch.setattr("serve.door._classify", break_down)
    response = client.post("/classify", json={"text": TEXT})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "internal"
    assert SENTENCES[0] not in response.text + caplog.text
    assert "ValueError" in caplog.text
    assert "in break_down" in caplog.text


def test_a_client_that_leaves_is_no_fault(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/classify", "query_string": b""}
    scope["headers"] = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type]  # ASGI 3 is awaitable
    assert sent[0]["status"] == 499
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "abc"), ("PORT", "99999"), ("PRECISION", "fp8"), ("BACKEND", "jax"), ("STREAMS", "-1")]
)
def test_a_setting_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"WIJHA_{name}", value)
    with pytest.raises(ConfigError, match=f"bad_setting: '{value}'.*WIJHA_{name}"):
        Settings.read()
    if name == "PORT":  # what a flag says goes before the environment
        assert Settings.read(port=81).port == 81


def test_the_card_of_a_checkpoint_is_told(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint.folder, tmp_path / "carded")
    (folder / "README.md").write_text("# نموذج", encoding="utf-8")
    with TestClient(create_app(Settings(checkpoint=folder))) as client:
        ready(client)
        assert client.get("/model").json()["card"] == "# نموذج"
