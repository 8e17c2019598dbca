"""The container file."""

import json
import re
import shlex
from pathlib import Path

from serve.settings import Settings

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in kept)]


def test_the_container_runs_as_nobody_and_without_torch() -> None:
    found = instructions()
    names = [name for name, _ in found]
    assert set(names) <= {
        "FROM",
        "ARG",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "USER",
        "VOLUME",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    }
    assert names.count("FROM") == 2
    last = found[len(names) - names[::-1].index("FROM") :]
    (user,) = (rest for name, rest in last if name == "USER")
    uid = user.split(":")[0]
    assert uid.isdecimal()
    assert int(uid) > 0
    assert not any(name in ("RUN", "COPY") for name, _ in last[last.index(("USER", user)) :])
    whole = "\n".join(rest for _, rest in found)
    assert not re.search(r"torch|\[(train|dev)", whole)
    environment = dict(part.split("=", 1) for name, rest in last if name == "ENV" for part in shlex.split(rest))
    assert environment["PYTHONSAFEPATH"] == "1"
    known = {f"WIJHA_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in environment if name.startswith("WIJHA_")} <= known
    assert environment["WIJHA_JOBS_FOLDER"] in {rest for name, rest in last if name == "VOLUME"}
    (check,) = (rest for name, rest in last if name == "HEALTHCHECK")
    program = json.loads(check[check.index("[") :])
    assert program[0] == "python"
    compile(program[2], "healthcheck", "exec")


def test_the_container_file_copies_what_there_is_and_ignores_what_is_not_wanted() -> None:
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").split()
    assert (ROOT / ".dockerignore").read_text(encoding="utf-8").split() == ignored
    assert ignored[0] == "*"
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = []
    for name, rest in instructions():
        if name == "COPY" and "--from=" not in rest:
            copied += shlex.split(rest)[:-1]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.rstrip("/") in allowed, source
    for needed in ("data", "models", "serve", "pyproject.toml", "README.md", "LICENSE"):
        assert needed in {source.rstrip("/") for source in copied}
