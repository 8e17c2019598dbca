"""The model card: README.md of a checkpoint, rendered from its manifest and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BODIES = {"test": "test", "dev": "dev*", "held_out": "held out by id*"}
FIGURES = {
    "topic_macro_f1": "topic macro-F1",
    "stance_macro_f1": "stance macro-F1, given relevance",
    "stance_end_to_end": "stance end to end",
}
_BUNDLED_ENCODER = "models/base"


def render_card(manifest: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Markdown.

    Args:
        manifest: ``checkpoint.json`` without the files.
        metrics: ``metrics.json``; ``bundled`` says whether the bundled articles took part (where absent, they did).
    """
    contract = manifest["contract"]
    topics, windows = contract["taxonomy"]["topics"], contract["windows"]
    lines = [
        f"# Wijha checkpoint `{manifest['name']}`",
        "",
        "Reads an Arabic news article; for each topic: is the article about it, which stance does the article itself",
        "take (where the taxonomy has stances), and which sentences weighed most in that.",
        "",
        "| | |",
        "|---|---|",
        f"| made | {manifest['made']} |",
        f"| encoder | {manifest['base']}{_digest(manifest)} ({manifest['parameters'] / 1e6:.1f} M parameters) |",
        f"| licence | {manifest['licence']} |",
        f"| weights | {manifest['weights']}; computed in {manifest['precision']} |",
        f"| windows | {windows['length']} tokens, overlapping by {windows['overlap']}; merged exactly |",
        f"| trained on | {metrics['train_articles']} articles{_parts(manifest)} |",
        "",
        "## Topics",
        "",
        "| id | name | stance is about | threshold |",
        "|---|---|---|---|",
    ]
    for topic, calibration in zip(topics, contract["calibration"], strict=True):
        lines.append(
            f"| `{topic['id']}` | {topic['ar']} / {topic['en']} | {topic['target']} | {calibration['threshold']:.2f} |"
        )
    least = contract.get("abstention", {"relevance": 0, "stance": 0})
    lines += [
        "",
        f"Not answered (`abstained`): relevance where neither yes nor no has a probability of {least['relevance']:.2f},"
        f" a stance under {least['stance']:.2f}."
        if any(least.values())
        else "Every question is answered; nothing is abstained from.",
    ]
    lines += ["", "## What it is worth", "", render_scores(metrics), "", *_limits(manifest, metrics)]
    return "\n".join(lines) + "\n"


def _parts(manifest: Mapping[str, Any]) -> str:
    """A mean of weights says so."""
    trainings = manifest.get("trainings", len(manifest.get("mean_of", ["itself"])))
    return f", as the mean of {trainings} trainings" if trainings > 1 else ""


def _digest(manifest: Mapping[str, Any]) -> str:
    """Folders get other weights under the same name."""
    return f", content {manifest['base_digest']}" if "base_digest" in manifest else ""


def render_scores(metrics: Mapping[str, Any]) -> str:
    """The table of scores of every body of articles, with the baselines beside them, as Markdown."""
    lines = [
        "Value [95 % interval by bootstrap over events]; –: nothing to measure. Definitions: `train/metrics.py`. None",
        "of these articles was trained on; on those marked * temperatures and thresholds were fitted: these figures",
        "are a little optimistic.",
        "",
        "| articles | model | n | topic macro-F1 | stance macro-F1, given relevance (pairs) | stance end to end |"
        " calibration error | first evidence sentence is a marked one (pairs; chance) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for key, bodies in metrics["scores"].items():
        for model, s in bodies.items():
            lines.append(
                f"| {BODIES.get(key, key)} | {model} | {s['articles']} | {_figure(s['topic_macro_f1'])} |"
                f" {_figure(s.get('stance_macro_f1'))} ({s.get('stance_pairs', 0)}) |"
                f" {_figure(s.get('stance_end_to_end'))} |"
                f" {_figure(s['calibration_error'])} | {_evidence(s.get('evidence'))} |"
            )
    lines += _shortfalls(metrics["scores"])
    for key, bodies in metrics["scores"].items():
        ours = bodies["wijha"]
        lines += [
            "",
            f"By topic, {BODIES.get(key, key)}:",
            "",
            "| topic | relevant | precision | recall | F1 | stance macro-F1 | stances |",
            "|---|---|---|---|---|---|---|",
        ]
        for topic, t in ours["topics"].items():
            stances = ", ".join(f"{name} {n}" for name, n in t.get("stances", {}).items())
            stance = t.get("stance_macro_f1")
            lines.append(
                f"| `{topic}` | {t['relevant']} | {t['precision']:.3f} | {t['recall']:.3f} | {t['f1']:.3f} |"
                f" {'–' if stance is None else f'{stance:.3f}'} | {stances} |"
            )
    return "\n".join(lines)


def _shortfalls(scores: Mapping[str, Any]) -> list[str]:
    """Where a baseline does better, in words: nobody should have to find it in the table."""
    lines = []
    for key, bodies in scores.items():
        for model, s in bodies.items():
            for name, said in FIGURES.items():
                ours, theirs = bodies["wijha"].get(name), s.get(name)
                if ours and theirs and ours["value"] < theirs["value"]:
                    values = f"{ours['value']:.3f} against {theirs['value']:.3f} of {model}"
                    lines.append(f"- {BODIES.get(key, key)}, {said}: {values}")
    return ["", "A baseline does better here:", "", *lines] if lines else []


def _figure(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "–"
    interval = f" [{figure['low']:.3f}, {figure['high']:.3f}]" if "low" in figure else ""
    return f"{figure['value']:.3f}{interval}"


def _evidence(quality: Mapping[str, Any] | None) -> str:
    if not quality or not quality.get("pairs"):
        return "–"
    return f"{_figure(quality['first'])} ({quality['pairs']}; {quality['chance']:.3f})"


def _limits(manifest: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    lines = [
        "## Limits",
        "",
        "- The stance is the article's own, not that of a person it quotes.",
        "- A sentence's share is its share of the attention that weighs the decision, not of the decision itself: it",
        "  says how much the sentence weighed, not which way.",
    ]
    if metrics.get("bundled", True):
        lines += [
            "- The bundled articles were written and labelled by a language model under the codebook; see",
            "  `data/README.md`.",
            "- Modern Standard Arabic of newspapers; dialect and social media were not measured.",
        ]
    else:
        lines.append(
            "- Nothing but articles like those above was measured: other genres, dialects and topics may go worse."
        )
    if manifest["base"] == _BUNDLED_ENCODER:
        lines += [
            "- The bundled encoder was pretrained on collections whose terms differ (news, encyclopaedia, law,",
            "  periodicals; several state no licence, one CC BY-NC-SA): weights made from them are for research,",
            "  unless their user clears the sources. See `models/base/README.md`.",
        ]
    else:
        lines.append(
            f"- What the encoder `{manifest['base']}` was pretrained on, and on what terms, its publisher says."
        )
    return [
        *lines,
        "- An answer about a person's or an outlet's politics should rest on the evidence, read by a person.",
    ]
