"""What no client should send, and what each gets for it."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from models.checkpoint import Checkpoint
from serve.app import create_app
from serve.settings import Settings
from tests.conftest import SENTENCES
from tests.contract.test_http import JSON, ready

TEXT = "\n".join(SENTENCES)


@pytest.fixture(scope="module")
def client(checkpoint: Checkpoint) -> Iterator[TestClient]:
    settings = Settings(checkpoint=checkpoint.folder, max_body_bytes=5_000_000, max_characters=400_000)
    with TestClient(create_app(settings)) as client:
        ready(client)
        yield client


def problem(client: TestClient, body: bytes, headers: dict[str, str] | None = None, path: str = "/classify") -> Any:
    response = client.post(path, content=body, headers={**JSON, **(headers or {})})
    assert response.status_code >= 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"], response.json()["where"]


def error(client: TestClient, article: bytes) -> Any:
    response = client.post("/classify", content=b'{"articles": [' + article + b"]}", headers=JSON)
    assert response.status_code == 200, response.text
    (result,) = response.json()["results"]
    return result["error"] and (result["error"]["code"], result["error"]["where"])


@pytest.mark.parametrize("path", ["/classify", "/predict"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "a", "text": "b"}',
        b'{"articles": [{"text": "a", "text": "b"}]}',
        b'{"text": NaN}',
        b'{"articles": [Infinity]}',
        b'{"articles": [-Infinity]}',
        b'{"text": "\xff"}',
        b'{"text": "\xed\xa0\x80"}',  # half a surrogate pair as UTF-8 must not have it
        '{"text": "نص"}'.encode("utf-16"),
        '{"text": "نص"}'.encode("cp1256"),
        b'{"text": "a"} {}',
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"articles": [{"id": ' + b"9" * 5000 + b', "text": "a"}]}',  # more digits than Python reads
        b"\x00",
        b"null bytes\x00",
    ],
)
def test_what_is_no_json(client: TestClient, path: str, body: bytes) -> None:
    assert problem(client, body, path=path) == (400, "bad_json", "body")


@pytest.mark.parametrize("body", [b"null", b"1e999", b'"text"', b"true", b'{"text": null}'])
def test_json_of_another_shape(client: TestClient, body: bytes) -> None:
    assert problem(client, body)[:2] == (422, "bad_request")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=windows-1256",
    ],
)
def test_another_type_is_refused(client: TestClient, value: str) -> None:
    answer = problem(client, b'{"text": "a"}', {"content-type": value})
    assert answer == (415, "unsupported_media_type", "content-type")


@pytest.mark.parametrize("value", ["application/json; charset=utf-8", 'Application/JSON; charset="UTF-8"'])
def test_json_by_its_other_names(client: TestClient, value: str) -> None:
    body = "\ufeff" + json.dumps({"text": TEXT}, ensure_ascii=False)  # and with a byte order mark
    answer = client.post("/classify", content=body.encode(), headers={"content-type": value})
    assert answer.status_code == 200


@pytest.mark.parametrize("value", ["gzip", "deflate", "br", "identity, gzip"])
def test_compressed_bodies_are_refused(client: TestClient, value: str) -> None:
    answer = problem(client, b"\x1f\x8b", {"content-encoding": value})
    assert answer == (415, "unsupported_encoding", "content-encoding")


def test_a_body_said_to_be_too_large_is_not_read(client: TestClient) -> None:
    def never() -> Iterator[bytes]:
        yield b" "
        raise AssertionError("read on")

    response = client.post("/classify", content=never(), headers={**JSON, "content-length": "99999999999999999999"})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("article", "answer"),
    [
        (b'{"text": ""}', ("empty_text", "articles[0].text")),
        ('{"text": " \u200f\u200e\ufeff\\n"}'.encode(), ("empty_text", "articles[0].text")),
        (b'{"text": "\\ud83d"}', ("bad_characters", "articles[0].text")),
        (b'{"text": "a", "title": "\\udc00"}', ("bad_characters", "articles[0].title")),
        (b'{"text": 5}', ("bad_article", "articles[0].text")),
        (b'{"text": null}', ("bad_article", "articles[0].text")),
        (b'{"text": ["a"]}', ("bad_article", "articles[0].text")),
        (b"[]", ("bad_article", "articles[0]")),
        (b"null", ("bad_article", "articles[0]")),
        (b'{"text": "a", "id": true}', ("bad_article", "articles[0].id")),
        (b'{"text": "a", "id": 1.5}', ("bad_article", "articles[0].id")),
        (b'{"text": "a", "id": 1e999}', ("bad_article", "articles[0].id")),
        (b'{"text": "a", "id": "' + b"x" * 257 + b'"}', ("bad_article", "articles[0].id")),
        (b'{"text": "a", "id": ' + b"9" * 300 + b"}", ("bad_article", "articles[0].id")),
        (b'{"text": "a", "\\ud800": 1}', ("bad_article", "articles[0]")),
    ],
)
def test_articles_that_cannot_be_scored(client: TestClient, article: bytes, answer: Any) -> None:
    assert error(client, article) == answer


@pytest.mark.parametrize(
    "text",
    [
        "ا" * 400_000,
        "a" * 400_000,
        "\u0651" * 100_000,  # nothing but shadda
        "ـ" * 100_000,  # nothing but tatweel
        "." * 100_000,
        "\u200f" * 100_000 + TEXT,
        "\x00" * 100_000,
        "\x00".join(TEXT),
        "😀" * 10_000,
        "<" * 100_000,
        "<p>" * 20_000 + TEXT,
        "&amp;" * 50_000,
    ],
    ids=lambda text: f"{text[:3]!r}",
)
def test_megabytes_of_one_thing_have_an_answer(client: TestClient, text: str) -> None:
    (result,) = client.post("/classify", json={"text": text}).json()["results"]
    if result["error"]:
        assert result["error"]["code"] in ("empty_text", "bad_characters")
    else:
        assert all(math.isfinite(topic["probability"]) for topic in result["topics"])


def test_ids_come_back_as_they_were(client: TestClient) -> None:
    ids = ["خبر ١", 10**200, -1, 0, "", "x" * 256, "</script>"]
    sent = [{"id": value, "text": TEXT} for value in ids]
    results = client.post("/classify", json={"articles": sent}).json()["results"]
    assert [result["id"] for result in results] == [str(value) for value in ids]


def test_what_a_client_sent_is_said_again_in_part_only(client: TestClient) -> None:
    body = json.dumps({"text": "a", "\ud800" + "خ" * 10_000: 1})
    response = client.post("/classify", content=body, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (422, "bad_request")
    assert len(response.json()["where"]) < 400


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1s", "", "١٠ث"])
def test_a_timeout_that_makes_no_sense(client: TestClient, value: str) -> None:
    answer = client.post("/classify", json={"text": TEXT}, headers={b"X-Request-Timeout": value.encode()})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_timeout")


def test_a_timeout_that_is_too_short(client: TestClient) -> None:
    answer = client.post("/classify", json={"text": TEXT}, headers={"X-Request-Timeout": "1e-9"})
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline")
