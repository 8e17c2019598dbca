"""Who is let in: keys, hosts, origins, and what browsers are told."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from data.errors import ConfigError
from models.checkpoint import Checkpoint
from serve.__main__ import app as commands
from serve.app import create_app
from serve.guard import is_open
from serve.keys import Keys, is_loopback, new_key, required_keys
from serve.settings import Settings
from tests.conftest import SENTENCES
from tests.contract.test_http import ready

BODY = {"text": SENTENCES[0]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two keys by their names, and the file that lets them in."""
    made = {name: new_key(name) for name in ("desk", "archive")}
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text("# who may ask\n\n" + "\n".join(line for _, line in made.values()), encoding="utf-8")
    return {"file": str(file), **{name: key for name, (key, _) in made.items()}}


@pytest.fixture(scope="module")
def locked(checkpoint: Checkpoint, keys: dict[str, str]) -> Iterator[TestClient]:
    settings = Settings(checkpoint=checkpoint.folder, host="0.0.0.0", keys_file=Path(keys["file"]))
    with TestClient(create_app(settings), base_url="http://news.example") as client:
        ready(client)
        yield client


@pytest.fixture(scope="module")
def unlocked(checkpoint: Checkpoint) -> Iterator[TestClient]:
    settings = Settings(checkpoint=checkpoint.folder, hosts="Desk.Example", cors_origins="https://page.example")
    with TestClient(create_app(settings), base_url="http://localhost:8000") as client:
        ready(client)
        yield client


def test_only_known_keys_are_let_in(locked: TestClient, keys: dict[str, str]) -> None:
    for name in ("desk", "archive"):
        answer = locked.post("/classify", json=BODY, headers={"Authorization": f"Bearer {keys[name]}"})
        assert answer.status_code == 200
    line = Path(keys["file"]).read_text(encoding="utf-8").split()[-1]
    for value, code in [
        (None, "no_key"),
        ("Basic eDp5", "no_key"),
        ("Bearer ", "no_key"),
        ("Bearer wijha_", "bad_key"),
        (f"Bearer {keys['desk'][:-1]}", "bad_key"),
        (f"Bearer {line}", "bad_key"),  # the hash is no key
    ]:
        answer = locked.post("/classify", json=BODY, headers={} if value is None else {"Authorization": value})
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert locked.get("/topics", headers={b"Authorization": "Bearer مفتاح".encode()}).json()["code"] == "bad_key"


def test_every_route_but_the_pages_and_health_needs_a_key(locked: TestClient) -> None:
    for path, operations in locked.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            answer = locked.request(method, path)
            assert (answer.status_code == 401) == ("security" in operation) == (not path.startswith("/health/")), path
            assert ("401" in operation["responses"]) == ("security" in operation)
    for path in ("/docs", "/openapi.json", "/health/live"):
        assert locked.get(path).status_code == 200
    for method, path in (("POST", "/"), ("GET", "/metrics"), ("GET", "/health"), ("GET", "/docs/x")):
        assert not is_open(method, path)
        assert locked.request(method, path).status_code == 401


def test_beyond_loopback_there_must_be_keys(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "10.0.0.7", "news.example", ""):
        with pytest.raises(ConfigError, match="no_keys"):
            create_app(Settings(host=host))
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        assert required_keys(Settings(host=host)) is None
    assert not is_loopback("localhost.example")


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("", "no_keys", ""),
        ("# nobody\n", "no_keys", ""),
        ("desk secret", "bad_keys", ":1"),
        ("\nsha256:" + "0" * 64, "bad_keys", ":2"),
        (f"a sha256:{'0' * 64}\na sha256:{'1' * 64}", "bad_keys", ":2"),
    ],
)
def test_a_bad_file_of_keys_is_named(tmp_path: Path, text: str, code: str, where: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Keys.read(file)
    assert (caught.value.code, caught.value.where) == (code, f"{file}{where}")
    assert "secret" not in caught.value.message


def test_a_file_of_keys_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no_keys_file"):
        Keys.read(tmp_path / "nowhere")


def test_the_command_makes_a_key_and_its_line(tmp_path: Path) -> None:
    key, line = CliRunner().invoke(commands, ["key", "desk"]).output.split("\n")[:2]
    assert line == f"desk sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    (tmp_path / "keys").write_text(line, encoding="utf-8")
    assert Keys.read(tmp_path / "keys").name_of(key.encode()) == "desk"
    assert len(key) > 45
    for name in ("", "two words", "مكتب"):
        with pytest.raises(ConfigError, match="bad_name"):
            new_key(name)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("desk.example", 200),
        ("evil.example", 421),
        ("evil.example:8000", 421),
        ("localhost@evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("[", 421),
        ("", 421),
    ],
)
def test_without_keys_only_our_own_names_are_answered(unlocked: TestClient, host: str, status: int) -> None:
    answer = unlocked.get("/topics", headers={"Host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["code"] == "foreign_host"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:8000"}, 200),
        ({"Origin": "https://page.example"}, 200),
        ({"Origin": "https://desk.internal", "Sec-Fetch-Site": "same-origin"}, 200),  # a proxy changed the host
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:9000", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
    ],
)
def test_pages_of_other_origins_change_nothing(unlocked: TestClient, headers: dict[str, str], status: int) -> None:
    answer = unlocked.post("/classify", json=BODY, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "cross_origin"
        assert "access-control-allow-origin" not in answer.headers


def test_cors_is_for_the_named_origins_alone(unlocked: TestClient, locked: TestClient) -> None:
    def ask(client: TestClient, origin: str) -> str | None:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer: str | None = client.options("/classify", headers=headers).headers.get("access-control-allow-origin")
        return answer

    assert ask(unlocked, "https://page.example") == "https://page.example"
    assert ask(unlocked, "https://evil.example") is None
    assert ask(locked, "https://page.example") is None
    answer = unlocked.get("/topics", headers={"Origin": "https://page.example"})
    assert answer.headers["access-control-allow-origin"] == "https://page.example"


def test_every_answer_tells_browsers_what_they_may(unlocked: TestClient, locked: TestClient) -> None:
    answers = [unlocked.get(path) for path in ("/", "/docs", "/nothing", "/topics")]
    answers += [locked.post("/classify"), unlocked.get("/topics", headers={"Host": "evil.example"})]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "//" not in policy
        assert ("unsafe-inline" in policy) == (answer.url.path == "/docs")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
    assert unlocked.get("/topics").headers["cache-control"] == "no-store"


def test_an_address_others_reach_is_refused_without_keys(unlocked: TestClient) -> None:
    """Where somebody runs the app under another server than ours, which listens elsewhere than our settings say."""
    for server, status in (("127.0.0.1", 200), ("10.0.0.7", 403)):
        client = TestClient(unlocked.app, base_url=f"http://{server}")
        assert client.get("/health/live", headers={"Host": "localhost"}).status_code == status
