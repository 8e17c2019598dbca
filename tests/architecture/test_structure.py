"""Rules that matter, as tests."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import data.errors as errors
from models.checkpoint import Checkpoint
from serve.app import STATUS
from serve.settings import Settings
from tests.conftest import SENTENCES

ROOT = Path(__file__).parents[2]
PACKAGES = ("data", "models", "train", "serve")


def test_every_error_of_the_tree_has_a_status_of_its_own() -> None:
    tree = {e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.WijhaError)}
    assert tree == set(STATUS)


def test_every_error_of_the_tree_is_drawn() -> None:
    drawn = errors.__doc__ or ""
    assert all(error.__name__ in drawn for error in STATUS)


def test_no_file_is_long_and_every_module_says_what_it_is() -> None:
    files = [p for package in PACKAGES for p in (ROOT / package).rglob("*.py")]
    assert len(files) > 30
    assert [str(p) for p in files if len(p.read_text(encoding="utf-8").splitlines()) > 300] == []
    assert [str(p) for p in files if not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))] == []


def test_no_vague_names() -> None:
    vague = ("utils", "helpers", "manager", "misc", "common")
    names = [p.stem for package in PACKAGES for p in (ROOT / package).rglob("*.py")]
    assert not set(names) & set(vague)


def test_every_setting_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert f"`WIJHA_{name.upper()}`" in text
        assert field.description


def test_every_verb_is_in_the_readme() -> None:
    command = ["make", "--no-print-directory"]
    verbs = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in verbs.splitlines() if line.strip()]
    assert {"train", "serve", "score", "test", "check"} <= set(names)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in names if f"make {name}" not in readme] == []


@pytest.mark.slow
def test_serving_needs_no_torch(checkpoint: Checkpoint) -> None:
    program = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "sklearn", "datasets", "onnx"):
            raise ImportError("not installed: " + name)
sys.meta_path.insert(0, Refuse())
from pathlib import Path
from fastapi.testclient import TestClient
from serve.app import create_app
from serve.settings import Settings
import serve.scoring
with TestClient(create_app(Settings(checkpoint=Path({str(checkpoint.folder)!r})))) as client:
    while client.get("/health/ready").json().get("code") == "loading":
        pass
    answer = client.post("/classify", json={{"text": {SENTENCES[0]!r}}})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["results"][0]["topics"]) == 3
from models.classifier import Classifier
from data.errors import ConfigError
try:
    Classifier.load(Path({str(checkpoint.folder)!r}), backend="torch")
except ConfigError as error:
    print("served:", error.code)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "served: no_backend", done.stderr
