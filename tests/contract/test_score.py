"""``python -m serve score``: a table in, the same table with labels out."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.errors import DataError
from models.checkpoint import Checkpoint
from models.classifier import Answer, Classifier
from serve.__main__ import app
from serve.scoring import Options, score_table
from tests.conftest import article

OURS = ["", "_probability", "_abstained", "_stance", "_stance_probability", "_evidence"]


def table(path: Path, count: int = 70, *, columns: tuple[str, ...] = ("id", "العنوان", "النص", "ملاحظة")) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(columns)
        for i in range(count):
            writer.writerow([f"r{i}", article(i).title, "" if i == 5 else article(i, 1 + i % 9).text, f"«{i}»"])
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_and_column_comes_back_with_labels(
    tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier
) -> None:
    source, target = table(tmp_path / "in.csv"), tmp_path / "out.csv"
    result = CliRunner().invoke(app, ["score", str(source), str(target), "--checkpoint", str(checkpoint.folder)])
    assert result.exit_code == 0, result.output
    assert "النص" in result.output
    rows = read(target)
    assert [row["id"] for row in rows] == [f"r{i}" for i in range(70)]
    assert [row["ملاحظة"] for row in rows] == [f"«{i}»" for i in range(70)]
    topics = checkpoint.contract.taxonomy.ids
    wanted = [f"{t}{part}" for t in topics for part in OURS] + ["windows", "warnings", "error", "model"]
    assert list(rows[0]) == ["id", "العنوان", "النص", "ملاحظة", *wanted]
    for i, row in enumerate(rows):
        assert row["model"] == f"small@{checkpoint.digest[:12]}"
        if i == 5:
            assert row["error"].startswith("empty_text")
            assert not any(row[f"{t}{part}"] for t in topics for part in OURS)
            continue
        answer = classifier.classify([article(i, 1 + i % 9)])[0]
        assert isinstance(answer, Answer)
        assert row["error"] == ""
        assert row["windows"] == str(answer.windows)
        for topic in answer.topics:
            assert row[topic.topic] == ("yes" if topic.decision.relevant else "no")
            assert row[f"{topic.topic}_probability"] == f"{round(topic.decision.probability, 6):.4f}"
            assert row[f"{topic.topic}_stance"] == (topic.decision.stance or "")
            assert row[f"{topic.topic}_evidence"] == " | ".join(e.text for e in topic.evidence)
    assert not list(tmp_path.glob("*.part*"))


def test_our_columns_give_way_to_the_inputs(tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    source = table(tmp_path / "in.csv", 2, columns=("model", "title", "text", "error"))
    said: list[str] = []
    score_table([source], tmp_path / "out.csv", classifier, checkpoint=checkpoint, said=said.append)
    (first, _) = read(tmp_path / "out.csv")
    assert (first["model"], first["wijha_model"], first["error"], first["wijha_error"]) == (
        "r0",
        f"small@{checkpoint.digest[:12]}",
        "«0»",
        "",
    )
    assert any("wijha_model" in line for line in said)


def test_no_column_of_text_is_a_clear_error(tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    source = table(tmp_path / "in.csv", 2, columns=("a", "b", "c", "d"))
    with pytest.raises(DataError, match=r"no_text_column.*a, b, c, d"):
        score_table([source], tmp_path / "out.csv", classifier, checkpoint=checkpoint)
    assert not (tmp_path / "out.csv").exists()
    score_table([source], tmp_path / "out.csv", classifier, checkpoint=checkpoint, options=Options(text_column="c"))
    assert len(read(tmp_path / "out.csv")) == 2


def test_the_input_is_never_overwritten(tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    source = table(tmp_path / "in.csv", 2)
    before = source.read_bytes()
    with pytest.raises(DataError, match="same_file"):
        score_table([source], source, classifier, checkpoint=checkpoint)
    assert source.read_bytes() == before


@pytest.mark.parametrize(("name", "words"), [("none/out.csv", "no folder"), ("adir.csv", "a folder")])
def test_a_target_that_can_not_be_written_is_refused_before_scoring(
    tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier, name: str, words: str
) -> None:
    source = table(tmp_path / "in.csv", 2)
    (tmp_path / "adir.csv").mkdir()
    with pytest.raises(DataError, match=f"bad_target: .*{words}"):
        score_table(
            [source], tmp_path / name, classifier, checkpoint=checkpoint, progress=lambda _: pytest.fail("scored")
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["adir.csv", "in.csv"]


def test_the_column_of_text_is_not_the_headline_too(
    tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier
) -> None:
    source = table(tmp_path / "in.csv", 2, columns=("id", "note", "title", "x"))
    said: list[str] = []
    score_table(
        [source],
        tmp_path / "out.csv",
        classifier,
        checkpoint=checkpoint,
        options=Options(text_column="title"),
        said=said.append,
    )
    assert said[0].endswith("text column 'title', title None")


def test_json_lines_keep_what_comes_late(tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [{"id": "1"}, {"text": article(1).text}, {"text": article(2).text, "title": "عنوان", "note": "keep me"}]
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    score_table([source], target, classifier, checkpoint=checkpoint)
    written = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [row["error"].split(":")[0] for row in written] == ["empty_text", "", ""]
    assert (written[2]["title"], written[2]["note"]) == ("عنوان", "keep me")


def test_unreadable_rows_keep_their_place(tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    source = tmp_path / "in.csv"
    good = article(1).text.replace("\n", " ").encode()
    source.write_bytes(b"id,text\n1," + good + b"\n2\n3,\xff\xfe" + good + b"\n4," + good + b"\n")
    summary = score_table([source], tmp_path / "out.csv", classifier, checkpoint=checkpoint)
    rows = read(tmp_path / "out.csv")
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["error"].split(":")[0] for row in rows] == ["", "bad_row", "undecodable", ""]
    assert (summary.rows, summary.errors) == (4, 2)


def test_mistakes_on_the_command_line_are_one_line(tmp_path: Path, checkpoint: Checkpoint) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "serve",
            "score",
            str(tmp_path / "no.csv"),
            "o.csv",
            "--checkpoint",
            str(checkpoint.folder),
        ],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 2
    assert "wijha: source_missing" in done.stderr
    assert "Traceback" not in done.stderr
