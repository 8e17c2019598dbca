"""The report as one HTML file: figures and sentences inside, nothing fetched, nothing of the articles run."""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from data.taxonomy import Taxonomy
from serve.summary.embedded import embedded
from serve.summary.figures import ALL, Figures, Note, tidy
from serve.summary.quotes import doubts, evidence
from serve.summary.tallies import FEW

LANGUAGES = ("ar", "en")
_HERE = Path(__file__).parent
# in JSON inside a page: nothing that could end the element it stands in
_QUIET = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@lru_cache(maxsize=1)
def _all_words() -> dict[str, Any]:
    return tomllib.loads((_HERE / "words.toml").read_text(encoding="utf-8"))


def sentence(note: Note, lang: str) -> str:
    """A note for people, as plain text."""
    return str(_all_words()[lang]["note"][note.code]).format(**note.values)


def render(figures: Figures, lang: str) -> str:
    """The whole page.

    Args:
        lang: ``ar`` (right to left) or ``en``.
    """
    w = _all_words()[lang]
    names = _topic_names(figures, lang)
    data = embedded(figures, w, names)
    place, named = data.pop("place"), data["named"].count(0)
    script, style = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # the one script of ours may run, and nothing be fetched or sent, whatever stands in a cell
    policy = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; form-action 'none'"
    inside = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_QUIET)
    by_outlet = data["by_outlet"]
    every = '<button type="button" id="every" class="script" hidden></button>'
    parts = [
        f'<!doctype html>\n<html lang="{lang}" dir="{w["direction"]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}; base-uri \'none\'">\n'
        f'<meta name="referrer" content="no-referrer">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(w['title'])}</title>\n<style>\n{style}</style>\n</head>\n<body>\n",
        _head(figures, w, lang),
        _filters(w, stories=data["stories"] is not None),
        _drawn("overview", w["overview"], w["abstained_note"]),
        _drawn("heat", w["heat"], w["heat_note"], every) if by_outlet else every,
        _drawn("stance", w["stance"] if by_outlet else w["stance_head"], w["stance_note"]),
        _drawn("months", w["months"], w["months_note"]),
        _noscript(figures, w, names, data["outlets"]),
        _section(w["evidence"], w["evidence_note"], evidence(figures, w, names, place, named)),
        _section(w["abstentions"], w["abstentions_note"], doubts(figures, w, names, place)),
        _section(w["reading"], "", _reading(figures, w)),
        f'<script type="application/json" id="data">{inside}</script>\n',
        f"<script>{script}</script>\n</body>\n</html>\n",
    ]
    return "".join(parts).encode("utf-8", "replace").decode("utf-8")


def _topic_names(figures: Figures, lang: str) -> dict[str, str]:
    taxonomy = figures.checkpoint.contract.taxonomy if figures.checkpoint else Taxonomy.read()
    known = {topic.id: topic.ar if lang == "ar" else topic.en for topic in taxonomy.topics}
    return {topic: known.get(topic, topic) for topic in figures.counts.topics}


def _head(figures: Figures, w: Mapping[str, Any], lang: str) -> str:
    months = sorted(m for m in figures.counts.months if m)
    chosen = figures.chosen
    period = " ".join(f"{w[end]} {chosen[end]}" for end in ("from", "to") if chosen[end])
    about = {
        w["sources"]: w["comma"].join(figures.sources),
        w["articles"]: f"{figures.scored:,}",
        w["period"]: " … ".join(dict.fromkeys((months[0], months[-1]))) if months else "",
        w["model"]: w["comma"].join(filter(None, [*figures.tally.models][:5])),
        w["filter"]: w["comma"].join(filter(None, [period, *chosen["outlets"]])),
        w["made"]: date.today().isoformat(),
    }
    items = "".join(f"<div><dt>{escape(k)}:</dt><dd><bdi>{escape(v)}</bdi></dd></div>" for k, v in about.items() if v)
    said = [w["intervals"], *_measured(figures, w), *(sentence(note, lang) for note in figures.notes)]
    notes = "".join(f"<li>{escape(text)}</li>" for text in said)
    block = f'<aside class="notes"><h2>{escape(w["notes"])}</h2><ul>{notes}</ul></aside>'
    return f'<header><h1>{escape(w["title"])}</h1>\n<dl class="about">{items}</dl>\n{block}</header>\n'


def _filters(w: Mapping[str, Any], *, stories: bool) -> str:
    def select(name: str, options: Mapping[str, str]) -> str:
        inside = "".join(f'<option value="{value}">{escape(text)}</option>' for value, text in options.items())
        return f'<label><span>{escape(w[name])}</span><select id="{name}">{inside}</select></label>'

    steps = {"": "step_auto", "month": "step_month", "quarter": "step_quarter", "year": "step_year"}
    fields = [
        select("from", {"": w["all"]}),
        select("to", {"": w["all"]}),
        select("step", {value: w[key] for value, key in steps.items()}),
    ]
    if stories:
        fields.append(select("unit", {"articles": w["unit_articles"], "stories": w["unit_stories"]}))
    return (
        f'<form class="script" hidden><fieldset><legend>{escape(w["outlets"])} '
        f'<button type="button" id="all">{escape(w["all"])}</button> '
        f'<button type="button" id="none">{escape(w["none"])}</button></legend>'
        f'<div id="outlets" class="list" tabindex="0"></div></fieldset><div class="fields">{"".join(fields)}</div>'
        f'<p id="status" class="status" aria-live="polite"></p></form>\n'
    )


def _drawn(name: str, title: str, note: str, more: str = "") -> str:
    return (
        f'<section id="{name}-section" class="script" hidden><h2>{escape(title)}</h2><p class="note">{escape(note)}</p>'
        f'<div id="{name}" class="wide"></div>{more}</section>\n'
    )


def _section(title: str, note: str, inside: str) -> str:
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{said}{inside}</section>\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], few: Iterable[bool] = ()) -> str:
    titles = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    marks = iter(few)
    body = "".join(
        ('<tr class="few">' if next(marks, False) else "<tr>")
        + "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def _noscript(figures: Figures, w: Mapping[str, Any], names: Mapping[str, str], outlets: list[str]) -> str:
    """Every figure but those by outlet and month at once, as tables, for a reader that runs no script."""
    rows = [row for row in tidy(figures.counts, both=False) if row["outlet"] in (ALL, *outlets)]
    place = {ALL: w["all"], "": "–"}
    cells = [
        [
            names[row["topic"]],
            w["states"].get(row["stance"], row["stance"]),
            place.get(row["outlet"], row["outlet"]),
            place.get(row["month"], row["month"]),
            f"{row['count']} / {row['n']}",
            f"{row['share']:.0%} [{row['low']:.0%} – {row['high']:.0%}]",
        ]
        for row in rows
    ]
    head = (w["topic"], w["state"], w["outlet"], w["month"], w["n"], w["share"])
    table = _table(head, cells, (row["n"] < FEW for row in rows))
    return f'<noscript><p class="note">{escape(w["no_script"])}</p>{table}</noscript>\n'


def _reading(figures: Figures, w: Mapping[str, Any]) -> str:
    stories = [w["stories_note"]] if figures.counts.stories is not None else []
    points = "".join(f"<li>{escape(text)}</li>" for text in (w["intervals"], w["few"], w["abstained_note"], *stories))
    return f"<ul>{points}</ul>{_quality(figures, w)}{_problems(figures, w)}"


def _quality(figures: Figures, w: Mapping[str, Any]) -> str:
    measured = figures.quality()
    if not measured or figures.checkpoint is None:
        return f"<p>{escape(w['no_quality'])}</p>"
    rows = [
        (
            w["bodies"].get(q["body"], q["body"]),
            str(q["articles"]),
            *(_value(q.get(key)) for key in ("topic_macro_f1", "stance_macro_f1")),
            _value((q.get("evidence") or {}).get("first")),
        )
        for q in measured
    ]
    head = (w["quality_articles"], w["n"], w["topic_f1"], w["stance_f1"], w["first_evidence"])
    title = w["quality"].format(name=f"{figures.checkpoint.name}@{figures.checkpoint.digest[:12]}")
    return f'<h3>{escape(title)}</h3><p class="note">{escape(w["quality_note"])}</p>{_table(head, rows)}'


def _measured(figures: Figures, w: Mapping[str, Any]) -> list[str]:
    """What is said of the model before anything else: its worth on real news, or on what there is."""
    bodies = {q["body"]: q for q in figures.quality()}
    if not bodies:
        return [w["no_quality"]]
    body, q = next(((b, bodies[b]) for b in ("held_out", "test") if b in bodies), next(iter(bodies.items())))
    topic, stance = (_value(q.get(key)) for key in ("topic_macro_f1", "stance_macro_f1"))
    name = w["bodies"].get(body, body).removesuffix(" *")
    return [w["measured"].format(n=q["articles"], body=name, topic=topic, stance=stance)]


def _value(figure: Mapping[str, float] | None) -> str:
    if not figure or "value" not in figure:
        return "–"
    interval = f" [{figure['low']:.2f} – {figure['high']:.2f}]" if "low" in figure else ""
    return f"\u2066{figure['value']:.2f}{interval}\u2069"  # left to right within Arabic, too


def _problems(figures: Figures, w: Mapping[str, Any]) -> str:
    tally = figures.tally
    kinds = ((w["error"], tally.errors), (w["warning"], tally.warnings))
    rows = [
        (kind, code, w["codes"].get(code, ""), str(n)) for kind, found in kinds for code, n in found.most_common(50)
    ]
    inside = _table(("", "", "", w["count"]), rows) if rows else f"<p>{escape(w['no_problems'])}</p>"
    return f"<h3>{escape(w['problems'])}</h3>{inside}"
