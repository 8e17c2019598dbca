"""``python -m serve summarize``: scored tables in, a report that an analyst hands on out."""

import csv
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from data.errors import DataError, WijhaError
from data.parquet import arrow
from models.checkpoint import DEFAULT, Checkpoint
from serve.__main__ import app
from serve.summary.quotes import link
from serve.summary.summary import Choice, Outputs, summarize

pa = arrow()
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202eعكس\u2066"
EVIDENCE = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("text", pa.string()), ("share", pa.float64())])
TOPIC = pa.struct(
    [
        *(("id", pa.string()), ("relevant", pa.bool_()), ("probability", pa.float64()), ("threshold", pa.float64())),
        *(("abstained", pa.bool_()), ("stance", pa.string()), ("stance_probability", pa.float64())),
        ("evidence", pa.list_(EVIDENCE)),
    ]
)


def topic(name: str, stance: str | None, text: str = "جملة دالّة.", *, relevant: bool | None = True) -> dict[str, Any]:
    shown = [{"start": 0, "end": len(text), "text": text, "share": 0.5}] if relevant is not False else []
    return {
        **{"id": name, "relevant": relevant, "probability": 0.8 if relevant else 0.45, "threshold": 0.5},
        **{"abstained": relevant is None or (bool(relevant) and stance is None), "stance": stance},
        **{"stance_probability": 0.7 if relevant else None, "evidence": shown},
    }


def scored(path: Path, rows: list[dict[str, Any]], *columns: str) -> Path:
    fields = [(name, pa.string()) for name in columns]
    ours = [
        ("topics", pa.list_(TOPIC)),
        ("warnings", pa.list_(pa.string())),
        ("error", pa.string()),
        ("model", pa.string()),
    ]
    pa.parquet.write_table(
        pa.Table.from_pylist([{"model": "m@0123456789ab"} | row for row in rows], pa.schema([*fields, *ours])), path
    )
    return path


def five(path: Path) -> Path:
    """Two outlets, two months, an error, an abstention and a row without a date."""
    about = "diplomacy"
    rows: list[dict[str, Any]] = [
        {"التاريخ": "٥/٣/٢٠٢٤", "المصدر": "سبق", "topics": [topic(about, "favor", "رحّبت بالمباحثات.")]},
        {"التاريخ": "25/3/2024", "المصدر": "سبق", "topics": [topic(about, "against", "المباحثات فخّ.")]},
        {"التاريخ": "1/4/2024", "المصدر": "Al-Quds", "topics": [topic(about, None, relevant=None)]},
        {"التاريخ": "غداً", "المصدر": "Al-Quds", "topics": [topic(about, "favor")], "warnings": ["very_short"]},
        {"التاريخ": "1/4/2024", "المصدر": "Al-Quds", "error": "empty_text: no text [text]"},
    ]
    return scored(path, rows, "التاريخ", "المصدر")


def shares(
    path: Path, *parts: str, said: list[str] | None = None, **choice: Any
) -> dict[tuple[str, ...], tuple[int, int]]:
    target = path.with_name("figures.json")
    lines = said if said is not None else []
    summarize([path], Choice(**choice), Outputs(path.with_name("r.html"), target), said=lines.append)
    rows = json.loads(target.read_text(encoding="utf-8"))["shares"]
    wanted = parts or ("stance", "outlet", "month")
    return {tuple(row[part] for part in wanted): (row["count"], row["n"]) for row in rows}


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    values: dict[str, Any] = json.loads(found[1])
    return values


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_command_writes_report_figures_and_table(tmp_path: Path) -> None:
    source = five(tmp_path / "scored.parquet")
    out = [tmp_path / name for name in ("r.html", "r.json", "r.csv")]
    words = ["summarize", str(source), "-o", str(out[0]), "--json", str(out[1]), "--csv", str(out[2])]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    for said in ("التاريخ", "المصدر", "day first: 1 of 4", "4 articles, 1 errors"):
        assert said in result.output
    page = out[0].read_text(encoding="utf-8")
    assert page.startswith('<!doctype html>\n<html lang="ar" dir="rtl">')
    for said in ("رحّبت بالمباحثات.", "empty_text", "very_short", "m@0123456789ab", "مجالات ويلسون"):
        assert said in page
    raw = out[2].read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert list(rows[0]) == ["topic", "stance", "outlet", "month", "count", "n", "share", "low", "high"]
    assert ["diplomacy", "favor", "سبق", "2024-03", "1", "2"] in [list(row.values())[:6] for row in rows]
    figures = json.loads(out[1].read_text(encoding="utf-8"))
    assert (figures["rows"], figures["scored"], figures["undated"]) == (5, 4, 1)
    assert [doubt["outlet"] for doubt in figures["abstentions"]] == ["Al-Quds"]
    assert not list(tmp_path.glob("*.part*"))


def test_abstentions_are_neither_dropped_nor_answers(tmp_path: Path) -> None:
    got = shares(five(tmp_path / "s.parquet"))
    assert got["relevant", "(all)", "(all)"] == (3, 4)
    assert got["relevance_abstained", "Al-Quds", "2024-04"] == (1, 1)
    assert got["favor", "(all)", "(all)"] == (2, 3)
    assert got["favor", "سبق", "2024-03"] == (1, 2)


def test_filters_by_period_and_outlet(tmp_path: Path) -> None:
    source, said = five(tmp_path / "s.parquet"), list[str]()
    assert shares(source, first="2024-03", last="2024-03")["relevant", "(all)", "(all)"] == (2, 2)
    assert shares(source, first="2024-03-06")["against", "(all)", "(all)"] == (1, 1)
    assert shares(source, outlets=("AL-QUDS", "لا أحد"), said=said)["relevant", "(all)", "(all)"] == (1, 2)
    assert 'There is no outlet "لا أحد" in the file.' in said
    with pytest.raises(DataError, match="nothing_left"):
        shares(source, first="2030")


def test_flat_tables_say_the_same(tmp_path: Path) -> None:
    header = ["date", "source", "diplomacy", *(f"diplomacy_{p}" for p in ("probability", "abstained", "stance"))]
    header += ["diplomacy_stance_probability", "diplomacy_evidence", "windows", "warnings", "error", "model"]
    cells = [
        ["2024-03-05", "سبق", "yes", "0.8", "no", "favor", "0.7", "رحّبت بالمباحثات. | ثانية", "1", "", "", "m@1"],
        ["2024-03-06", "سبق", "yes", "0,8", "yes", "", "", "جملة", "1", "very_short not_arabic", "", "m@1"],
        ["2024-04-06", "سبق", "", "0.45", "yes", "", "", "جملة", "1", "", "", "m@2"],
        ["2024-04-06", "سبق", *[""] * 8, "empty_text: no text", "m@1"],
    ]
    path = tmp_path / "scored.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows([header, *cells])
    (tmp_path / "scored.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    said: list[str] = []
    got = shares(path, said=said)
    assert got["relevant", "(all)", "(all)"] == (2, 3)
    assert got["stance_abstained", "سبق", "2024-03"] == (1, 2)
    assert got["relevance_abstained", "سبق", "2024-04"] == (1, 1)
    assert shares(tmp_path / "scored.csv.gz") == got
    assert any("More than one model" in line for line in said)
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [kept["text"] for kept in figures["evidence"]] == ["رحّبت بالمباحثات."]  # the strongest alone
    assert figures["warnings"] == {"very_short": 1, "not_arabic": 1}


def test_nothing_of_a_cell_is_ever_run(tmp_path: Path) -> None:
    row = {"title": HOSTILE, "outlet": HOSTILE, "id": HOSTILE, "date": HOSTILE, "model": HOSTILE}
    rows: list[dict[str, Any]] = [
        {**row, "url": "javascript:alert(3)", "topics": [topic(HOSTILE, "favor", HOSTILE)], "warnings": [HOSTILE]},
        {**row, "url": 'https://a.example/"><script>', "topics": [topic(HOSTILE, HOSTILE, HOSTILE)]},
        {**row, "error": HOSTILE},
    ]
    source = scored(tmp_path / "s.parquet", rows, "title", "outlet", "id", "date", "url")
    for lang in ("ar", "en"):
        summarize([source], Choice(), Outputs(tmp_path / "r.html", lang=lang))
        page = (tmp_path / "r.html").read_text(encoding="utf-8")
        tags = Tags(page).found
        assert [attributes for tag, attributes in tags if tag == "script"] == [
            {"type": "application/json", "id": "data"},
            {},
        ]
        assert not [
            tag for tag, attributes in tags if tag == "img" or any(name.startswith("on") for name in attributes)
        ]
        links = [attributes["href"] for tag, attributes in tags if tag == "a"]
        assert links == ["https://a.example/%22%3E%3Cscript%3E"]
        assert not re.search("[\u202a-\u202e]", page)
        assert embedded(page)["outlets"][0].startswith("</script><script>")
        policy = next(a["content"] for t, a in tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
        assert policy
        assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_the_page_fetches_nothing(tmp_path: Path) -> None:
    summarize([five(tmp_path / "s.parquet")], Choice(), Outputs(tmp_path / "r.html"))
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert not [a for _, a in Tags(page).found if "src" in a or "href" in a]
    assert "url(" not in page.replace("url(#fill", "")
    assert "@import" not in page
    data = embedded(page)
    assert sum(map(sum, data["articles"])) == 4
    assert data["months"] == ["", "2024-03", "2024-04"]


def test_many_outlets_stay_a_small_page(tmp_path: Path) -> None:
    rows = [{"outlet": f"صحيفة {i}", "topics": [topic("diplomacy", "favor")]} for i in range(300)]
    rows += rows[:5]
    said: list[str] = []
    source = scored(tmp_path / "s.parquet", rows, "outlet")
    assert shares(source, said=said)["relevant", "صحيفة 7", "(all)"] == (1, 1)
    data = embedded((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert (len(data["outlets"]), data["many"][0], data["many"][-1]) == (41, 2, 260)
    assert "There is no column of dates: no charts over time." in said


def test_the_models_quality_stands_beside_its_figures(tmp_path: Path) -> None:
    opened = Checkpoint.open(DEFAULT, verify=False)
    row: dict[str, Any] = {"url": "https://www.example.org/a", "topics": [topic("diplomacy", "favor")]}
    row["model"] = f"{opened.name}@{opened.digest[:12]}"
    said: list[str] = []
    assert shares(scored(tmp_path / "s.parquet", [row], "url"), said=said)["relevant", "example.org", "(all)"] == (1, 1)
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert {"test"} <= {body["body"] for body in figures["quality"]}
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "ما قيس من جودة النموذج" in page
    assert "المسار الدبلوماسي" in page


@pytest.mark.parametrize(
    ("choice", "outputs", "code"),
    [
        (Choice(first="5/3/2024"), {}, "bad_date"),
        (Choice(first="2024", last="2023"), {}, "bad_date"),
        (Choice(date_column="لا شيء"), {}, "no_such_column"),
        (Choice(), {"lang": "fr"}, "bad_language"),
        (Choice(), {"report": "s.parquet"}, "same_file"),
        (Choice(), {"report": "nowhere/r.html"}, "bad_target"),
        (Choice(), {"csv": "r.parquet"}, "bad_target"),
    ],
)
def test_mistakes_are_said(tmp_path: Path, choice: Choice, outputs: dict[str, str], code: str) -> None:
    paths: dict[str, Any] = {k: v if k == "lang" else tmp_path / v for k, v in outputs.items()}
    with pytest.raises(WijhaError, match=f"^{code}"):
        summarize([five(tmp_path / "s.parquet")], choice, Outputs(**{"report": tmp_path / "r.html", **paths}))
    assert {p.name for p in tmp_path.iterdir()} == {"s.parquet"}


def test_a_table_that_was_not_scored(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title,text\nعنوان,نص\n", encoding="utf-8")
    others: dict[str, dict[str, Any]] = {
        "a": {},
        "b": {"topics": [["حرب", "سياسة"]]},
        "c": {"topics": ["حرب"]},
        "d": {"topics": [[{"id": "x"}]]},
    }
    for name, columns in others.items():
        pa.parquet.write_table(pa.table({"text": ["نص"], **columns}), tmp_path / f"{name}.parquet")
    for name in ("a.csv", *(f"{name}.parquet" for name in others)):
        with pytest.raises(DataError, match="not_scored"):
            summarize([tmp_path / name], Choice(), Outputs(tmp_path / "r.html"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/خبر?a=1&b=٢", "https://a.example/%D8%AE%D8%A8%D8%B1?a=1&b=%D9%A2"),
        (" HTTP://a.example ", "HTTP://a.example"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//a.example", ""),
        ("http://[", ""),
        ("https:a", ""),
    ],
)
def test_links_lead_to_the_web_alone(url: str, shown: str) -> None:
    assert link(url) == shown
