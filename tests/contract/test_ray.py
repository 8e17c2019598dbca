"""``--engine ray``: the same rows as on one machine, also where workers and machines are lost in mid-run."""

import csv
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from data.errors import ConfigError, DataError
from data.writers import Writer
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve import cluster as engine_cluster
from serve.__main__ import app
from serve.cluster import Cluster, connect
from serve.ray_actor import PartScorer
from serve.ray_engine import score_on_ray
from serve.scoring import Options, score_table
from tests.conftest import article

pytestmark = [
    pytest.mark.slow,
    # Ray's own, at start and end: sockets and processes it leaves to the garbage collector, and its old calls
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

HERE = Cluster()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A cluster of two nodes with one core each, and this process connected to it."""
    pytest.importorskip("ray", reason="the ray extra is not installed")
    from ray.cluster_utils import Cluster as Nodes

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 << 20}
    try:
        cluster = Nodes(initialize_head=True, head_node_args={**small, "include_dashboard": False})
        cluster.add_node(**small)
        ray = connect(Cluster(cluster.address))
    except Exception as error:  # noqa: BLE001 - no shared memory, no ports, …: nothing of ours
        pytest.skip(f"Ray can't start here: {error}")
    yield cluster
    ray.shutdown()
    cluster.shutdown()  # type: ignore[no-untyped-call]


def table(path: Path, first: int, count: int) -> Path:
    """Rows with repeated texts, empty ones, one short of cells, mixed digits; Windows-1256 where it is named so."""
    encoding = "cp1256" if "1256" in path.name else "utf-8"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        [f"r{i}", article(i).title, "" if i % 50 == 7 else article(i, 1 + i % 9).text + f" {i}"] for i in range(count)
    ]
    if path.suffix == ".csv":
        with path.open("w", encoding=encoding, errors="replace", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["id", "العنوان", "النص"])
            for row in rows:
                writer.writerow(row[:1] if row[0] == "r11" else row)
    elif path.suffix == ".jsonl":
        lines = [json.dumps({"id": a, "title": b, "text": c + f" محمّـد Reuters ٤{first}"}) for a, b, c in rows]
        path.write_text("\n".join([*lines, "{no json"]), encoding="utf-8")
    else:
        names = ("model", "title", "body")
        with Writer(path, names) as out:
            for row in rows:
                out.write(dict(zip(names, row, strict=True)))
    return path


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    names = ["a.csv", "2024/b_1256.csv", "c.jsonl", "2024/d.parquet", "e.csv", "f.jsonl", "g.parquet", "h.csv"]
    for place, name in enumerate(names):
        table(tmp_path / "in" / name, place, 60 + 20 * place)
    return tmp_path / "in"


def alone(path: Path, folder: Path, classifier: Classifier, checkpoint: Checkpoint, options: Options) -> bytes:
    """What the local engine writes for one part."""
    target = folder / f"alone-{path.name}"
    score_table([path], target, classifier, checkpoint=checkpoint, options=options)
    return target.read_bytes()


def actors(cluster: Any) -> set[int]:
    """The processes of this cluster's actors that hold the model."""
    raylets = {p.process.pid for node in cluster.list_all_nodes() for p in node.all_processes["raylet"]}
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            name = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if b"PartScorer" in name and parent in raylets:
            found.add(int(folder.name))
    return found


def test_parts_come_out_as_on_one_machine_though_a_worker_and_a_machine_are_lost(
    tmp_path: Path, inputs: Path, nodes: Any, classifier: Classifier, checkpoint: Checkpoint
) -> None:
    lost: list[int] = []
    rows = 0

    def lose(scored: int) -> None:
        nonlocal rows
        rows += scored
        if not lost:
            lost.extend(actors(nodes))
            assert lost
            for pid in lost:
                os.kill(pid, signal.SIGKILL)
        elif len(nodes.list_all_nodes()) == 2:
            nodes.remove_node(nodes.list_all_nodes()[1], allow_graceful=False)

    options = Options()
    summary = score_on_ray(
        [str(inputs)], str(tmp_path / "out"), checkpoint=checkpoint, options=options, cluster=HERE, progress=lose
    )
    assert len(nodes.list_all_nodes()) == 1
    names = sorted(p.relative_to(inputs) for p in inputs.rglob("*.*"))
    out = tmp_path / "out"
    assert sorted(p.relative_to(out) for p in out.rglob("*.*") if "_wijha" not in p.parts) == names
    for name in names:
        assert (out / name).read_bytes() == alone(inputs / name, tmp_path, classifier, checkpoint, options), name
    assert summary.rows == rows == sum(60 + 20 * place for place in range(8)) + 2
    assert summary.codes["bad_row"] >= 2
    nodes.add_node(num_cpus=1, object_store_memory=100 << 20)


def test_one_table_comes_out_as_on_one_machine(
    tmp_path: Path, inputs: Path, nodes: Any, classifier: Classifier, checkpoint: Checkpoint
) -> None:
    options = Options(stories=True)
    for name in ("all.csv", "all.parquet"):
        expected = score_table([inputs], tmp_path / name, classifier, checkpoint=checkpoint, options=options)
        (tmp_path / "ray").mkdir(exist_ok=True)
        target = tmp_path / "ray" / name
        found = score_on_ray([str(inputs)], str(target), checkpoint=checkpoint, options=options, cluster=HERE)
        assert target.read_bytes() == (tmp_path / name).read_bytes()
        assert found == expected
        assert [p.name for p in target.parent.iterdir() if "work" in p.name] == []


def test_a_rerun_scores_what_is_new_or_changed_alone(
    tmp_path: Path, nodes: Any, classifier: Classifier, checkpoint: Checkpoint
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.csv", "b.csv"):
        table(source / name, 0, 20)

    def run(**chosen: Any) -> tuple[int, int]:
        scored: list[int] = []
        found = score_on_ray(
            [f"file://{source}"],
            str(out),
            checkpoint=checkpoint,
            options=Options(**chosen),
            cluster=HERE,
            progress=scored.append,
        )
        return found.rows, sum(scored)

    assert run() == (40, 40)
    assert run() == (40, 0)
    table(source / "b.csv", 0, 25)
    (out / "a.csv").unlink()
    table(source / "c.csv", 0, 5)
    assert run() == (50, 50)
    assert run() == (50, 0)
    assert run(fresh=True) == (50, 50)
    assert run(excel=True) == (50, 50)
    assert (out / "b.csv").read_bytes() == alone(
        source / "b.csv", tmp_path, classifier, checkpoint, Options(excel=True)
    )


def test_a_part_that_can_not_be_read_stops_no_other(tmp_path: Path, nodes: Any, checkpoint: Checkpoint) -> None:
    source, out, said = tmp_path / "in", tmp_path / "out", list[str]()
    table(source / "a.csv", 0, 10)
    (source / "b.csv").write_text("x;y\n1;2\n", encoding="utf-8")
    table(source / "c.csv", 0, 10)
    with pytest.raises(DataError, match=r"parts_failed: 1 of 3 .*\[b.csv\]"):
        score_on_ray([str(source)], str(out), checkpoint=checkpoint, options=Options(), cluster=HERE, said=said.append)
    assert sorted(p.name for p in out.iterdir()) == ["_wijha", "a.csv", "c.csv"]
    assert any(line.startswith("no_text_column") and line.endswith("[b.csv]") for line in said)


def test_a_part_that_kills_its_workers_stops_no_other(
    tmp_path: Path, nodes: Any, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadly(PartScorer):
        def _table(self, job: Any, *given: Any) -> dict[str, Any]:
            if job["name"] == "b.csv":
                os.kill(os.getpid(), signal.SIGKILL)
            if job["name"] == "d.csv":
                raise KeyError("a fault of ours")
            return super()._table(job, *given)

    monkeypatch.setattr(engine_cluster, "PartScorer", Deadly)
    monkeypatch.setattr(engine_cluster, "_TRIES", 1)
    for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
        table(tmp_path / "in" / name, 0, 10)
    said = list[str]()
    with pytest.raises(DataError, match=r"parts_failed: 2 of 4 .*\[b.csv, d.csv\]"):
        score_on_ray(
            [str(tmp_path / "in")],
            str(tmp_path / "out"),
            checkpoint=checkpoint,
            options=Options(),
            cluster=HERE,
            said=said.append,
        )
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["_wijha", "a.csv", "c.csv"]
    assert [line.split(":")[0] for line in said if "b.csv" in line or "d.csv" in line] == ["worker_lost", "internal"]


def test_the_command_says_what_it_found(tmp_path: Path, nodes: Any, checkpoint: Checkpoint) -> None:
    table(tmp_path / "in" / "a.csv", 0, 10)
    given = [str(tmp_path / "in" / "*.csv"), str(tmp_path / "out"), "--summary", str(tmp_path / "found.json")]
    command = ["score", *given, "--engine", "ray", "--checkpoint", str(checkpoint.folder)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "10 rows in" in result.output
    assert json.loads((tmp_path / "found.json").read_text())["rows"] == 10
    refused = CliRunner().invoke(app, [*command, "--stories"])
    assert isinstance(refused.exception, ConfigError)
    assert refused.exception.code == "stories_in_parts"


def test_an_actor_that_needs_more_than_there_is_is_refused(tmp_path: Path, nodes: Any, checkpoint: Checkpoint) -> None:
    table(tmp_path / "in" / "a.csv", 0, 3)
    for cluster in (Cluster(cpus=64), Cluster(gpus=1)):
        with pytest.raises(ConfigError, match="no_cluster: no room"):
            score_on_ray(
                [str(tmp_path / "in")], str(tmp_path / "out"), checkpoint=checkpoint, options=Options(), cluster=cluster
            )


def test_without_the_extra_it_is_a_clear_error(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path / "a.csv", 0, 3)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"missing_extra.*\[ray\]"):
        score_on_ray(
            [str(tmp_path / "a.csv")], str(tmp_path / "out"), checkpoint=checkpoint, options=Options(), cluster=HERE
        )
