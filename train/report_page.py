"""The findings of ``train.report`` as one HTML page that stands alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from train.report_plots import QUESTIONS, confusion_plot, curve_plot, reliability_plot, risk_plot
from train.report_style import STYLE
from train.slices import SMALL

BODIES = {"test": "Test", "dev": "Development", "held_out": "Held out by id"}
FITTED = "Temperatures, thresholds and abstention were fitted on these articles: the figures are a little optimistic."
FIGURES = {
    "topic_macro_f1": "topic macro-F1",
    "stance_macro_f1": "stance macro-F1, given relevance",
    "stance_end_to_end": "stance end to end",
}
_READING = """
<ul>
<li>Values stand with their 95 % interval, by bootstrap over events: articles of one event are drawn together.
Two figures whose intervals overlap widely cannot be told apart.</li>
<li><b>Topic macro-F1</b>: F1 of “relevant”, averaged over the topics. <b>Stance macro-F1, given relevance</b>: over the
pairs that are relevant by the gold labels, F1 of each stance, averaged. <b>End to end</b>: a pair that is missed counts
against it, and so does a stance given to a pair that is not relevant.</li>
<li><b>Calibration error</b>: by how much a probability is off, on average (10 bins of equal width).</li>
<li>All figures but those under “What is answered” measure every answer, those also that the checkpoint keeps to
itself.</li>
</ul>
"""


def render(found: Mapping[str, Any]) -> str:
    """The whole page."""
    about = found["checkpoint"]
    title = f"Wijha: what checkpoint {about['name']} is worth"
    bodies = found["bodies"]
    links = "".join(f'<a href="#{name}">{BODIES[name]}</a>' for name in bodies)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="quiet">Made {escape(str(about["made"]))} from {escape(str(about["base"]))}'
        f" ({(about['parameters'] or 0) / 1e6:.1f} M parameters, {escape(str(about['weights']))}, computed in"
        f" {escape(str(about['precision']))}), trained on {about['train_articles'] or 'an unknown number of'} articles."
        f"<br>Digest <code>{escape(about['digest'])}</code></p>",
        f"<nav>{links}</nav>",
        *(f'<p class="note">Not here, so not measured: <code>{escape(name)}</code></p>' for name in found["missing"]),
        "<h2>In short</h2>",
        _summary(bodies),
        "<h3>How to read this</h3>",
        _READING,
        *(_body(name, body, found) for name, body in bodies.items()),
    ]
    if "curve" in found:
        parts += ["<h2>More articles</h2>", _curve(found["curve"])]
    if "ablations" in found:
        parts += ["<h2>What each part is good for</h2>", _ablations(found["ablations"])]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>\n" + "\n".join(parts) + "\n</main></body></html>\n"
    )


def figure(value: Mapping[str, float] | None) -> str:
    """``0.88 [0.80, 0.94]``, or a dash."""
    if value is None:
        return "–"
    interval = f' <span class="range">[{value["low"]:.2f}, {value["high"]:.2f}]</span>' if "low" in value else ""
    return f"{value['value']:.2f}{interval}"


def bar(value: Mapping[str, float] | None) -> str:
    """The same with a bar before it: the interval as a band on a track from 0 to 1."""
    if value is None:
        return "–"
    low, high = 100 * value["low"], 100 * value["high"]
    band = f'<i style="left:{low:.0f}%;width:{max(high - low, 1):.0f}%"></i>'
    return f'<span class="bar">{band}<b style="left:{100 * value["value"]:.0f}%"></b></span>{figure(value)}'


def table(head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A table whose rows come with a class; cells are HTML."""
    cells = "".join(f"<th>{name}</th>" for name in head)
    lines = (f'<tr class="{kind}">' + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for kind, row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def scores_row(place: str, model: str, s: Mapping[str, Any]) -> list[str]:
    """A row of the table of scores: articles, model, n, the figures, calibration error, evidence."""
    evidence = s.get("evidence") or {}
    first = f"{figure(evidence['first'])} (chance {evidence['chance']:.2f})" if evidence.get("pairs") else "–"
    cells = [figure(s.get(name)) for name in FIGURES]
    return [place, escape(model), str(s["articles"]), *cells, figure(s["calibration_error"]), first]


SCORES = ("articles", "model", "n", *FIGURES.values(), "calibration error", "first evidence sentence is marked")


def _summary(bodies: Mapping[str, Any]) -> str:
    rows = []
    for name, body in bodies.items():
        rows.append(("ours", scores_row(BODIES[name], "this checkpoint", body["figures"])))
        rows += [("base", scores_row("", model, row)) for model, row in body["baselines"].items()]
    notes = [
        f"{BODIES[name]}: not the articles that the checkpoint's own figures are from, so no baseline is shown."
        for name, body in bodies.items()
        if not body["measured_before"]
    ]
    return table(SCORES, rows) + "".join(f'<p class="note">{note}</p>' for note in notes)


def _body(name: str, body: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    figures, said = body["figures"], BODIES[name]
    parts = [
        f'<h2 id="{name}">{said}: {figures["articles"]} articles</h2>',
        f'<p class="note">Fingerprint <code>{body["fingerprint"]}</code>. {"" if name == "test" else FITTED}</p>',
        "<h3>Topic by topic</h3>",
        _topics(body, found["topics"]),
        "<h3>What is answered, and how right it is</h3>",
        _selective(body["selective"], found["abstention"]),
        '<div class="plots">',
        f"<figure>{risk_plot(body['curves'], body['selective'], said)}<figcaption>Answers from the surest to the least"
        f" sure. A dot is where this checkpoint stands. {_areas(body['curves'])}</figcaption></figure>",
        f"<figure>{reliability_plot(body['reliability'], said)}<figcaption>Below the line: too sure that an article is"
        " relevant; above: not sure enough.</figcaption></figure></div>",
    ]
    if found["stances"]:
        parts += [
            "<h3>Which stances are taken for which</h3>",
            f"<figure>{confusion_plot(body['confusion'], found['stances'], said)}<figcaption>Pairs that are relevant by"
            " the gold labels; colour: the share of the row.</figcaption></figure>",
        ]
    parts += ["<h3>Evidence</h3>", _evidence(figures["evidence"])]
    if body["slices"]:
        parts += [
            "<h3>Where it does well and where not</h3>",
            '<p class="note">F1 of “relevant” over all pairs of the slice; share of right stances, given relevance.'
            f" Grey: fewer than {SMALL} articles, which say little.</p>",
            _slices(body["slices"]),
        ]
    return "\n".join([*parts, "<h3>The surest mistakes</h3>", _worst(body["worst"])])


def _topics(body: Mapping[str, Any], topics: Sequence[Mapping[str, str]]) -> str:
    rows = []
    for topic in topics:
        measured, figures = body["figures"]["topics"][topic["id"]], body["topics"][topic["id"]]
        name = f'{escape(topic["en"])} <bdi lang="ar" class="quiet">{escape(topic["ar"])}</bdi>'
        stances = ", ".join(f"{escape(stance)} {n}" for stance, n in measured.get("stances", {}).items())
        stance = measured.get("stance_macro_f1")
        cells = [name, str(measured["relevant"]), *(figure(figures[f]) for f in ("precision", "recall", "f1"))]
        rows.append(("", [*cells, "–" if stance is None else f"{stance:.2f}", stances or "–"]))
    return table(("topic", "relevant", "precision", "recall", "F1", "stance macro-F1", "gold stances"), rows)


def _selective(answered: Mapping[str, Any], abstention: Mapping[str, float]) -> str:
    rows = [
        ("", [QUESTIONS[q], str(s["pairs"]), bar(s["coverage"]), bar(s["right"]), bar(s["always"])])
        for q, s in answered.items()
    ]
    head = ("question", "pairs", "answered", "right, of those answered", "right, were all answered")
    note = (
        "This checkpoint always answers."
        if not any(abstention.values())
        else f"It answers from a confidence of {abstention['relevance']:.2f} (relevance) and"
        f" {abstention['stance']:.2f} (stance) up."
    )
    return table(head, rows) + f'<p class="note">{note}</p>'


def _areas(curves: Mapping[str, Any]) -> str:
    areas = (f"{QUESTIONS[q]} {c['area']:.3f}" for q, c in curves.items() if c["area"] is not None)
    return f"Area under the curve (less is better): {'; '.join(areas)}."


def _evidence(quality: Mapping[str, Any]) -> str:
    if not quality["pairs"]:
        return '<p class="note">No marked sentence to compare with.</p>'
    names = {"first": "the first sentence shown is a marked one", "precision": "of the sentences shown, marked"}
    names["recall"] = "of the marked sentences, shown"
    rows = [("", [said, str(quality["pairs"]), bar(quality[name])]) for name, said in names.items()]
    return table(("evidence", "pairs", "share"), rows) + (
        f'<p class="note">By drawing lots the first sentence would be a marked one in {quality["chance"]:.2f} of the'
        " pairs.</p>"
    )


def _slices(rows: Sequence[Mapping[str, Any]]) -> str:
    lines, before = [], ""
    for row in rows:
        kind = "" if row["kind"] == before else f"<b>{escape(row['kind'])}</b>"
        before = row["kind"]
        cells = [kind, f"<bdi>{escape(row['slice'])}</bdi>", str(row["articles"]), bar(row["relevance_f1"])]
        lines.append(("small" if row["small"] else "", [*cells, str(row["stance_pairs"]), bar(row["stance_right"])]))
    return table(("", "slice", "articles", "F1 of relevant", "stance pairs", "right stances"), lines)


def _worst(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return '<p class="note">None.</p>'
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = [str(number), f"<code>{escape(row['id'])}</code>", escape(row["topic"]), escape(row["gold"])]
        kept = "kept to itself" if row["abstained"] else ""
        cells += [escape(row["predicted"]), f"{row['probability']:.3f}", f"<bdi>{escape(row['genre'])}</bdi>", kept]
        lines.append(("", cells))
    return table(("", "article", "topic", "gold", "said", "probability", "genre", ""), lines)


def _curve(found: Mapping[str, Any]) -> str:
    said = "The same training on parts of the articles, one run each; band: 95 % interval over events, not over runs."
    plot = curve_plot(found["rows"], BODIES)
    return f"<figure>{plot}<figcaption>{said}</figcaption></figure>{_ablations(found)}"


def _ablations(found: Mapping[str, Any]) -> str:
    lines = []
    for row in found["rows"]:
        name = f"{row['name']} ({row['train_articles']} articles)"
        lines += [("", scores_row(BODIES[key], name, s)) for key, s in row["scores"].items()]
    for key, models in found["baselines"].items():
        lines += [("base", scores_row(BODIES[key], model, s)) for model, s in models.items()]
    lines.sort(key=lambda line: list(BODIES.values()).index(line[1][0]))
    return table(SCORES, lines)
