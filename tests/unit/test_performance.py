"""The page of measurements: who is compared with what, on which texts, and what is kept. Nothing is timed here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from tokenizers import Tokenizer

from data.article import Article
from models.checkpoint import Checkpoint
from models.encoding import Encoder
from tests.bench import clients, peers_page, performance, servers_page, turns
from tests.bench.clients import Call, Target, answered
from tests.bench.comparison import Figure, ahead, best, cell, errors, ratio
from tests.bench.environments import last_line, limited
from tests.bench.performance import Given
from tests.bench.programs.size import closure, size
from tests.bench.texts import draw, even, window_texts
from tests.conftest import SENTENCES, article

LONG = Article("a", "عنوانٌ طويـــل", " ".join(SENTENCES * 3) + "\nقال: «كنتُ هناك» (2011) في ٤٠ Reuters\u200f.")
ROWS: dict[str, Any] = {
    "slow": {"rounds": [{"articles": 2.0, "memory": 10.0}, {"articles": 4.0, "memory": 10.2}]},
    "fast": {"rounds": [{"articles": 8.0, "memory": 10.3}], "error": "ended by itself"},
    "absent": {"rounds": [], "error": "not installed: no index"},
}


@pytest.fixture(scope="module")
def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))


def test_a_window_s_text_has_the_window_s_whole_words(checkpoint: Checkpoint, tokenizer: Tokenizer) -> None:
    encoder = Encoder(tokenizer, checkpoint.contract)
    split = Article("b", "", " ".join(f"{a}خصوصيّات{b}" for a in "وفبلس" for b in "هنكمي"))  # words of several tokens

    def words(ids: list[int]) -> list[str]:
        return "".join(tokenizer.id_to_token(i) or "" for i in ids).split("▁")

    cut = 0
    for item in (LONG, split, *map(article, range(8))):
        windows, texts = encoder.encode(item).windows, window_texts(encoder, tokenizer, item)
        assert len(texts) == len(windows)
        whole = [i for window in windows for i in window.ids[window.counted].tolist()]
        for window, text in zip(windows, texts, strict=True):
            ids = window.ids[1:-1].tolist()
            end = window.first - (int(window.counted[0]) - 1) + len(ids)
            # the first is empty unless the window begins inside a word; the last may go on in the next window
            begun, *kept, last = words(ids)
            if end == len(whole) or words([whole[end]])[0] == "":
                kept.append(last)
            cut += bool(begun) + (last not in kept)
            assert [word for word in kept if word] == [word for word in words(tokenizer.encode(text).ids[1:-1]) if word]
    assert cut > 4


def test_drawn_articles_are_of_all_lengths_and_each_once(checkpoint: Checkpoint) -> None:
    drawn = draw(checkpoint, None, 12)
    assert len(drawn.articles) == len(drawn.texts) == len({item.text for item in drawn.articles}) == 12
    assert drawn.tokens != sorted(drawn.tokens)
    facts = drawn.facts()
    assert facts["least"] < facts["median"] < facts["most"]
    assert facts["windows"] == sum(map(len, drawn.texts))
    assert 0.9 < facts["retold"] < 1.1
    assert facts["unread"] == 1 - sum(min(510, n) for n in drawn.tokens) / sum(drawn.tokens)
    items = [article(n) for n in range(10)]
    assert [items.index(item) for item in even(items, 5)] == [1, 3, 5, 7, 9]
    assert even(items, 99) == items


def test_ratios_are_of_the_same_round() -> None:
    assert ratio(ROWS, "fast", "slow", "articles") == "4.00"
    rows = {**ROWS, "fast": {"rounds": [{"articles": 8.0}, {"articles": 8.0}]}}
    assert ratio(rows, "fast", "slow", "articles") == "3.00 [2.00–4.00]"
    assert ratio(rows, "fast", "absent", "articles") == ratio(rows, "fast", None, "articles") == "–"
    assert cell(ROWS, "slow", "articles", 1) == "3.0 [2.0–4.0]"
    assert cell(ROWS, "absent", "articles") == "–"
    assert best(ROWS, ROWS, "articles") == "fast"
    assert best(ROWS, ["absent"], "articles") is None


def test_a_peer_that_is_ahead_is_named_with_its_reason() -> None:
    figures = [Figure("articles", "articles/s", 1, 1), Figure("memory", "MB", -1, 0)]
    assert ahead(ROWS, {"fast": "Fast", "absent": "Absent"}, "slow", figures, {("fast", "articles"): "It skips."}) == [
        "- Fast, articles/s: 8.0 against 3.0. It skips."
    ]
    # 10.1 is less than 10.3 MB, but nobody sees that
    assert ahead(ROWS, {"slow": "Slow"}, "fast", figures, {}) == []
    assert errors(ROWS, {"absent": "Absent"}) == ["- Absent: not installed: no index"]


def test_who_fails_is_left_out_and_says_why() -> None:
    who = [turns.Contender(kind, kind, place) for kind, place in (("good", "own"), ("bad", "own"), ("none", "gone"))]
    asked: list[str] = []

    def turn(contender: turns.Contender, _: Path) -> dict[str, Any]:
        asked.append(contender.kind)
        if contender.kind == "bad":
            raise ValueError("failed: no such model")
        return {"articles": len(asked)}

    rows = turns.rounds(2, who, {"own": Path(sys.executable), "gone": "not installed: no index"}, turn)
    assert asked == ["good", "bad", "good"]
    assert rows["good"] == {"rounds": [{"articles": 1}, {"articles": 3}]}
    assert rows["bad"] == {"rounds": [], "error": "failed: no such model"}
    assert rows["none"]["error"] == "not installed: no index"


def test_a_program_that_fails_is_its_last_line() -> None:
    assert turns.run([sys.executable, "-c", "print('نعم')"], own=False) == "نعم\n"
    with pytest.raises(ValueError, match="failed: RuntimeError: no memory"):
        turns.run([sys.executable, "-c", "raise RuntimeError('no memory')"], own=False)
    assert last_line("first\nlast\n\n") == "last"
    assert last_line("") == "it said nothing"


def test_peers_see_neither_our_path_nor_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("WIJHA_PRECISION", "f32")
    theirs, ours = limited(own=False), limited(own=True, WIJHA_JOBS_FOLDER="/jobs")
    assert "PYTHONPATH" not in theirs
    assert "WIJHA_PRECISION" not in theirs | ours
    assert Path(ours["PYTHONPATH"], "tests", "bench").is_dir()
    assert ours["WIJHA_JOBS_FOLDER"] == "/jobs"
    assert theirs["HF_HUB_OFFLINE"] == "1"
    assert theirs["OMP_NUM_THREADS"] == ours["OMP_NUM_THREADS"]


def test_an_answer_counts_when_it_is_whole() -> None:
    ours, theirs = Target("", "", ("results",)), Target("", "")
    assert answered(ours, Call({}, 1), {"results": [{"error": None, "topics": []}]})
    assert not answered(ours, Call({}, 1), {"results": [{"error": {"code": "empty_text"}}]})
    assert not answered(ours, Call({}, 1), {"detail": "overloaded"})
    assert answered(theirs, Call({}, 2), [[{"label": "a"}], [{"label": "a"}]])
    assert not answered(theirs, Call({}, 2), [[{"label": "a"}]])
    assert not answered(theirs, Call({}, 2), [[{"label": "a"}], []])


def test_refusals_are_asked_again_and_errors_are_no_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [429, 200, 500, 200, 504]
    sent: list[dict[str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        code = codes[len(sent) - 1] if len(sent) <= len(codes) else 200
        return httpx.Response(code, json=[1] if code == 200 else {}, headers={"retry-after": "0"})

    client = httpx.AsyncClient
    transport = httpx.MockTransport(server)
    monkeypatch.setattr("tests.bench.clients.httpx.AsyncClient", lambda **given: client(transport=transport))
    found = clients.load(Target("http://server", "/"), [Call({"text": text}, 1) for text in "أبتثج"], 1, 0.2)
    assert [body["text"] for body in sent[:6]] == [*"أأبتثج"]
    assert found["refused"] == 1
    assert found["errors"] == {"500": 1, "504": 1}
    assert found["answered"] == len(sent) - 3
    assert 0 < found["p50"] <= found["p99"]


def test_size_is_that_of_all_that_is_needed() -> None:
    versions = closure(["httpx"])
    assert {"httpx", "httpcore", "anyio", "idna"} <= set(versions)
    assert "rich" not in versions  # of an extra that nobody asked for
    assert "rich" in closure(["httpx[cli]"])
    assert size("httpx") > 10_000


def test_results_are_kept_and_the_page_is_made_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bench.peers.measure", lambda given: _peers())
    monkeypatch.setattr("tests.bench.servers.measure", lambda given: _servers())
    source = tmp_path / "private" / "real.jsonl"
    out = tmp_path / "performance.md"
    flags = ["--source", str(source), "--seconds", "1", "--rounds", "2", "--work", str(tmp_path), "--out", str(out)]
    performance.main(["--only", "peers", *flags])
    kept = json.loads((tmp_path / "peers.json").read_text(encoding="utf-8"))
    assert {"section", "date", "commit", "machine", "versions", "command", "minutes", "results"} == set(kept)
    assert (
        kept["command"] == "python -m tests.bench.performance --only peers --source real.jsonl --seconds 1 --rounds 2"
    )
    first = out.read_text(encoding="utf-8")
    assert "## Serving" not in first
    performance.main(["--only", "servers", *flags])
    text = out.read_text(encoding="utf-8")
    assert text.startswith(first.rstrip())  # what was measured before stays
    assert str(tmp_path) not in text
    assert kept["commit"] in text
    assert text.count(kept["machine"]["processor"]) == 1  # said once, as both were measured on it
    assert max(map(len, (line for line in text.splitlines() if not line.startswith(("|", "`", "-"))))) < 400


def test_page_of_peers_has_every_row_and_says_who_is_ahead() -> None:
    text = peers_page.render(_peers())
    for who in (*peers_page.CONTENDERS, *peers_page.TABLES):
        assert f"| {who.name} |" in text
    assert "| ours, int8 | 40.00 | 4,000 | 20 | 1.00 | 200 | 4.00 | 4.00 |" in text
    assert "| infinity-emb, its engine without the server | – | – | – | – | – | – | – |" in text
    assert "- infinity-emb, its engine without the server: not installed: no index" in text
    assert "- ONNX Runtime, float32, load, s: 0.50 against 1.00. OpenVINO makes" in text
    assert "30% of the tokens" in text
    assert "onnx-int8 0.0100" in text


def test_page_of_servers_counts_refusals_and_errors() -> None:
    text = servers_page.render(_servers())
    assert text.count("| ours: `python -m serve api` |") == len(servers_page.CLIENTS) + 1
    assert "| 32 | 10.00 | 50 | 90 | 40 | 4 | 2× 504 | 1.00 | 1.00 |" in text
    assert "most 7% of a core" in text
    assert text.endswith("None.")
    results = _servers()
    results["rows"]["fastapi"]["rounds"][0]["p99 8"] = 1.0
    assert "- FastAPI and `pipeline`, p99, ms with 8 clients: 46 against 90." in servers_page.render(results)


def test_given_is_what_sections_are_called_with(tmp_path: Path) -> None:
    assert performance.command("growth", Given(tmp_path, None, 2.5, 3, tmp_path)) == (
        f"python -m tests.bench.performance --only growth --checkpoint {tmp_path.name} --seconds 2.5 --rounds 3"
    )
    assert performance.machine()["cores"] >= 1
    assert performance.versions()["openvino"]


def _texts() -> dict[str, Any]:
    sizes = {"articles": 3, "windows": 5, "tokens": 900, "least": 100, "median": 300, "most": 1500}
    return {**sizes, "unread": 0.3, "retold": 1.001, "length": 256}


def _peers() -> dict[str, Any]:
    def row(articles: float, load: float = 5.0, score: float = 0.5) -> dict[str, Any]:
        found = {"articles": articles, "tokens": 100 * articles, "processor": 20.0, "load": load, "memory": 200.0}
        return {"rounds": [{**found, "scores": [score, 0.1]}] * 2}

    rows = {who.kind: row(10.0) for who in (*peers_page.CONTENDERS, peers_page.CUT)}
    rows |= {"onnx-f32": row(10.0, 0.5), "onnx-int8": row(10.0, score=0.51), "ours-int8": row(40.0, 1.0)}
    rows["infinity"] = {"rounds": [], "error": "not installed: no index"}
    tables = {who.kind: {"rounds": [{"wall": 2.0, "articles": 5.0, "memory": None}]} for who in peers_page.TABLES}
    return {
        "texts": _texts(),
        "precision": "int8",
        "cores": 2,
        "versions": {},
        "rows": rows,
        "tables": tables,
    }


def _servers() -> dict[str, Any]:
    found: dict[str, Any] = {"ready": 1.5, "memory": 300.0, "size": 400.0}
    for n in servers_page.CLIENTS:
        figures = {"articles": 10.0, "p50": 50.0, "p99": 90.0, "answered": 20, "refused": 2, "errors": {"504": 1}}
        found |= {f"{key} {n}": value for key, value in {**figures, "client": 0.07}.items()}
    rows = {who.kind: {"rounds": [{**found}, {**found}]} for who in servers_page.SERVERS}
    return {"texts": _texts(), "precision": "int8", "cores": 2, "versions": {}, "rows": rows}
