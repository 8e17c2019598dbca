import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from data.article import Article
from data.errors import CheckpointError
from models.backends.openvino import OpenVinoBackend
from models.checkpoint import MANIFEST, Checkpoint, publish
from models.classifier import Answer, Classifier
from models.contract import Contract
from models.selftest import run_selftest, write_selftest
from models.weights import load_weights, save_weights
from tests.conftest import article


@pytest.fixture
def copy(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint.folder, tmp_path / "copy"))


def test_the_folder_is_whole_and_carries_no_pickle(checkpoint: Checkpoint) -> None:
    names = {path.name for path in checkpoint.folder.iterdir()}
    assert names >= {MANIFEST, "tokenizer.json", "config.json", "model.safetensors", "model.onnx", "selftest.jsonl"}
    assert not any(name.endswith((".bin", ".pt", ".pkl", ".part")) for name in names)
    assert set(checkpoint.manifest["files"]) == names - {MANIFEST}


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "model.onnx", "selftest.jsonl"])
def test_a_changed_file_is_refused(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.open(copy)
    assert caught.value.code == "digest_mismatch"
    assert caught.value.where.endswith(name)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "metrics.json"])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(CheckpointError, match="missing_file"):
        Checkpoint.open(copy)


def test_no_folder_other_formats_and_broken_manifests_are_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no_checkpoint"):
        Checkpoint.open(tmp_path / "nothing")
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    (copy / MANIFEST).write_text(json.dumps({**manifest, "format": 99}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"unknown_format.*99"):
        Checkpoint.open(copy)
    (copy / MANIFEST).write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match="unknown_format"):
        Checkpoint.open(copy)
    (copy / MANIFEST).write_text(json.dumps({**manifest, "files": {}}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="digest_mismatch"):
        Checkpoint.open(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda contract: contract["calibration"].pop(),
        lambda contract: contract["windows"].update(length="512"),
        lambda contract: contract["windows"].update(overlap=62),
        lambda contract: contract.clear(),
    ],
)
def test_an_impossible_contract_is_refused(copy: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    change(manifest["contract"])
    (copy / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(CheckpointError, match="bad_contract"):
        Checkpoint.open(copy)


def test_a_self_test_that_tests_nothing_is_refused(copy: Path, classifier: Classifier) -> None:
    (copy / "selftest.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(CheckpointError, match="selftest_failed"):
        run_selftest(copy, classifier)
    (copy / "selftest.jsonl").unlink()
    with pytest.raises(CheckpointError, match="missing_file"):
        run_selftest(copy, classifier)


def test_a_self_test_that_got_no_number_is_refused(copy: Path, classifier: Classifier) -> None:
    rows = [json.loads(line) for line in (copy / "selftest.jsonl").read_text(encoding="utf-8").splitlines()]
    rows[0]["probabilities"]["diplomacy"] = float("nan")
    (copy / "selftest.jsonl").write_text(json.dumps(rows[0]), encoding="utf-8")
    with pytest.raises(CheckpointError, match="selftest_failed"):
        run_selftest(copy, classifier)


def test_a_self_test_keeps_articles_with_odd_line_breaks_whole(copy: Path, classifier: Classifier) -> None:
    odd = Article("o", "عنوان", article(3).text.replace("\n", "\u2028") + "\u0085" + article(4).text)
    write_selftest(copy / "selftest.jsonl", classifier, [odd])
    assert run_selftest(copy, classifier) == 1


def test_the_contract_survives_json(checkpoint: Checkpoint) -> None:
    again = Contract.from_json(json.loads(json.dumps(checkpoint.contract.to_json())))
    assert again == checkpoint.contract


def test_the_self_test_passes_and_notices_other_weights(copy: Path) -> None:
    classifier = Classifier.load(copy)
    assert run_selftest(copy, classifier) == 2
    rows = [json.loads(line) for line in (copy / "selftest.jsonl").read_text(encoding="utf-8").splitlines()]
    rows[1]["probabilities"]["diplomacy"] = abs(rows[1]["probabilities"]["diplomacy"] - 0.5)
    (copy / "selftest.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"selftest_failed.*diplomacy"):
        run_selftest(copy, classifier)


def test_publishing_replaces_the_old_folder_whole(copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    target.mkdir(parents=True)
    (target / "old").touch()
    publish(copy, target)
    assert (target / MANIFEST).exists()
    assert not (target / "old").exists()
    assert not copy.exists()
    assert [p.name for p in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("int8", [False, True])
def test_weights_come_back(tmp_path: Path, int8: bool) -> None:
    rng = np.random.default_rng(0)
    weights = {
        "matrix": rng.normal(size=(100, 64)).astype(np.float32),
        "small": rng.normal(size=(3, 4)).astype(np.float32),
        "vector": rng.normal(size=9000).astype(np.float32),
        "zeros": np.zeros((80, 64), dtype=np.float32),
    }
    save_weights(tmp_path / "w.safetensors", weights, int8=int8)
    again = load_weights(tmp_path / "w.safetensors")
    assert set(again) == set(weights)
    for name, value in weights.items():
        assert again[name].dtype == np.float32
        bound = np.abs(value).max() / 254 + 1e-6 if int8 and name in ("matrix", "zeros") else 2e-3
        assert np.abs(again[name] - value).max() <= bound
    assert (tmp_path / "w.safetensors").stat().st_size < (26_000 + 2_000 if not int8 else 26_000) * 2


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="bad_weights"):
        load_weights(tmp_path / "w.safetensors")


def test_runtimes_agree(checkpoint: Checkpoint) -> None:
    articles = [article(i, n) for i, n in enumerate((1, 6, 40, 3))]
    both = [Classifier.load(checkpoint, backend=name).classify(articles) for name in ("openvino", "torch")]
    for one, other in zip(*both, strict=True):
        assert isinstance(one, Answer)
        assert isinstance(other, Answer)
        np.testing.assert_allclose(one.pooled.relevance, other.pooled.relevance, atol=1e-4)
        np.testing.assert_allclose(one.pooled.stance, other.pooled.stance, atol=1e-4)
        np.testing.assert_allclose(one.pooled.attention, other.pooled.attention, atol=1e-4)


def test_an_unknown_runtime_is_refused(checkpoint: Checkpoint) -> None:
    from data.errors import ConfigError

    with pytest.raises(ConfigError, match="no_backend"):
        Classifier.load(checkpoint, backend="abacus")


def test_a_checkpoint_without_graph_says_what_to_run(copy: Path) -> None:
    checkpoint = Checkpoint.open(copy)
    (copy / "model.onnx").unlink()
    with pytest.raises(CheckpointError, match="no_graph"):
        Classifier.load(checkpoint)


def test_the_runtime_is_first_used_before_there_are_threads(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads at OpenVINO's first use of numpy can wait for each other for ever."""
    users: list[threading.Thread] = []
    infer = OpenVinoBackend._one

    def note(self: OpenVinoBackend, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        users.append(threading.current_thread())
        return infer(self, ids)

    monkeypatch.setattr(OpenVinoBackend, "_one", note)
    backend = OpenVinoBackend(checkpoint.folder, streams=2)
    assert users == [threading.current_thread()]
    backend.run([np.array([2, 7, 3]), np.array([2, 8, 9, 3])])
    assert users[1] is not threading.current_thread()
