"""The report of a checkpoint: one page that stands alone, whatever there is to show."""

import dataclasses
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from data.articles import write_articles
from data.corpus import fingerprint
from data.errors import ConfigError
from data.taxonomy import Taxonomy
from models.checkpoint import Checkpoint
from tests.conftest import labelled
from train.__main__ import main
from train.baselines import measure_baselines
from train.corpus import Corpus
from train.report import findings
from train.report_page import render


def corpus(taxonomy: Taxonomy) -> Corpus:
    items = [
        dataclasses.replace(
            labelled(i, taxonomy), genre="report" if i % 2 else "<b>op-ed</b>", date=f"20{10 + i}-05-01"
        )
        for i in range(24)
    ]
    return Corpus(taxonomy, tuple(items[:8]), (), tuple(items[8:14]), tuple(items[14:]), (), ())


@pytest.fixture(scope="module")
def found(checkpoint: Checkpoint, taxonomy: Taxonomy) -> dict[str, Any]:
    return findings(checkpoint, corpus(taxonomy)) | {"missing": ["runs/elsewhere.jsonl"]}


class Balanced(HTMLParser):
    """Fails on a tag that is closed in the wrong place; collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        named = {name: value or "" for name, value in attrs}
        self.loads += [named[name] for name in ("src", "href", "xlink:href") if name in named]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Balanced:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_the_page_stands_alone_and_shows_every_plot(found: dict[str, Any], taxonomy: Taxonomy) -> None:
    page = render(found)
    assert all(link.startswith(("#", "data:image/png")) for link in parsed(page).loads)
    for body in ("Test", "Development"):
        for plot in ("Confusion of stances", "Reliability", "Risk and coverage"):
            assert f'aria-label="{plot}, {body}"' in page
    assert "Learning curve" not in page
    assert "التدخل العسكري الأجنبي" in page
    assert "runs/elsewhere.jsonl" in page
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL).lower()
    assert "&lt;b&gt;op-ed" in page
    assert "<b>op-ed" not in page  # what a file calls a genre is no markup


def test_no_text_of_an_article_is_in_the_page(found: dict[str, Any], taxonomy: Taxonomy) -> None:
    page = render(found)
    for item in corpus(taxonomy).test:
        assert not [line for line in item.article.text.splitlines() if line in page]
    assert any(item.article.id in page for item in corpus(taxonomy).test)


def test_ids_of_two_plots_do_not_meet(found: dict[str, Any]) -> None:
    ids = re.findall(r'<clipPath id="([^"]+)"', render(found))
    assert len(ids) == len(set(ids)) > 1


def test_baselines_are_shown_only_beside_the_articles_they_were_measured_on(
    checkpoint: Checkpoint, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = corpus(taxonomy)
    beside = measure_baselines(bodies)
    scores = {name: {"wijha": {}, **beside[name]} for name in ("test", "dev")}
    metrics = {"fingerprints": {"test": fingerprint(bodies.test), "dev": "other"}, "scores": scores}
    monkeypatch.setattr("train.report._metrics", lambda checkpoint: metrics)
    found = findings(checkpoint, bodies)["bodies"]
    assert set(found["test"]["baselines"]) == {
        "TF-IDF + logistic regression",
        "TF-IDF + logistic regression, thresholds of 0.5",
        "constant",
    }
    assert found["dev"]["baselines"] == {}


def test_a_taxonomy_without_stances(checkpoint: Checkpoint, found: dict[str, Any]) -> None:
    bodies = {
        name: {**body, "confusion": {}, "curves": {"relevance": body["curves"]["relevance"]}}
        for name, body in found["bodies"].items()
    }
    page = render({**found, "stances": [], "bodies": bodies})
    parsed(page)
    assert "Confusion" not in page


def test_curve_and_ablations_are_drawn(found: dict[str, Any], tmp_path: Path) -> None:
    scores = {"test": found["bodies"]["test"]["figures"]}
    rows = [{"name": name, "train_articles": n, "scores": scores} for name, n in (("whole", 315), ("half", 158))]
    results = {"rows": rows, "baselines": {"test": {"constant": scores["test"]}}}
    page = render({**found, "curve": results, "ablations": results})
    parsed(page)
    assert 'aria-label="Learning curve over data size"' in page
    assert "half (158 articles)" in page


def test_the_command(
    checkpoint: Checkpoint, taxonomy: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(checkpoint.folder, tmp_path / "small"))
    settings = '[data]\nbundled = false\nheld_out = []\nextra = ["gone.jsonl"]\n'
    (folder / "train_config.toml").write_text(settings, encoding="utf-8")
    items = [labelled(i, taxonomy, split="test") for i in range(3)]  # nothing to train on: it is not trained
    write_articles(tmp_path / "mine.jsonl", items)
    (tmp_path / "broken.json").write_text("[]", encoding="utf-8")

    def run(*words: str) -> int | str | None:
        page = str(tmp_path / "new" / "r.html")
        monkeypatch.setattr(sys, "argv", ["train", "report", str(folder), "-o", page, *words])
        with pytest.raises(SystemExit) as caught:
            main()
        return caught.value.code

    data = ("--data", str(tmp_path / "mine.jsonl"))
    assert run() == 2  # nothing is left to read
    assert run(*data, "--curve", str(tmp_path / "broken.json")) == 2
    assert not (tmp_path / "new").exists()
    assert run(*data) == 0
    assert "Test: 3 articles" in (tmp_path / "new" / "r.html").read_text(encoding="utf-8")


def test_without_matplotlib_it_is_said(found: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"missing_extra.*\[report\]"):
        render(found)


def test_findings_are_plain_values(found: dict[str, Any]) -> None:
    assert "NaN" not in json.dumps(found)
