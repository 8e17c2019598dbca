"""The plots of the report, as SVG to stand inside a page: text stays text, and nothing is loaded from elsewhere."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, GRID = "#1f2933", "#6b7785", "#dde3ea"
COLOURS = {"relevance": "#0b6e8f", "stance": "#c2571a", "whole": "#5b4b9a"}
QUESTIONS = {"relevance": "relevant?", "stance": "stance, given relevance", "whole": "whole answer"}


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of ``width`` by ``height`` inches, and its axes from left to right.

    Raises:
        ConfigError: ``missing_extra`` without matplotlib.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "missing_extra", "the report needs matplotlib: pip install --editable '.[report]' in the clone"
        ) from error
    with mpl.rc_context({"font.size": 10, "axes.edgecolor": QUIET}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for ax in axes:
        ax.tick_params(colors=QUIET, labelcolor=INK)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure, title: str) -> str:
    """The ``<svg>`` element, with a name for who can't see it."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    element = buffer.getvalue()[buffer.getvalue().index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    return element.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)


def confusion_plot(tables: Mapping[str, Sequence[Sequence[int]]], stances: Sequence[str], body: str) -> str:
    """One square a table: counts, shaded by their share of the row."""
    figure, axes = new_figure(2.75 * len(tables) + 0.4, 3.0, len(tables))
    for number, (ax, (name, rows)) in enumerate(zip(axes, tables.items(), strict=True)):
        shares = [[count / max(sum(row), 1) for count in row] for row in rows]
        ax.imshow(shares, cmap="GnBu", vmin=0, vmax=1)
        for y, row in enumerate(rows):
            for x, count in enumerate(row):
                colour = "white" if shares[y][x] > 0.6 else INK
                ax.text(x, y, str(count), ha="center", va="center", color=colour)
        places = range(len(stances))
        ax.set_xticks(places, stances, rotation=30)
        ax.set_yticks(places, stances if number == 0 else [""] * len(stances))
        ax.set_title(name.replace("_", " "), color=INK, fontsize=10)
        ax.set_xlabel("said")
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
    axes[0].set_ylabel("gold")
    return _svg(figure, f"Confusion of stances, {body}")


def reliability_plot(bins: Sequence[Mapping[str, float]], body: str) -> str:
    """Share of relevant pairs by probability; the area of a dot is the number of its pairs."""
    figure, (ax,) = new_figure(4.2, 3.6)
    ax.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--", label="as it should be")
    most = max((b["pairs"] for b in bins), default=1)
    ax.plot([b["probability"] for b in bins], [b["share"] for b in bins], color=COLOURS["relevance"], linewidth=1)
    ax.scatter(
        [b["probability"] for b in bins],
        [b["share"] for b in bins],
        s=[20 + 180 * b["pairs"] / most for b in bins],
        color=COLOURS["relevance"],
        alpha=0.8,
        label="pairs (area: how many)",
    )
    ax.set(xlabel="probability of “relevant”", ylabel="share that is relevant", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    ax.grid(color=GRID, linewidth=0.7)
    ax.legend(frameon=False, fontsize=9, loc="upper left", markerscale=0.5)
    return _svg(figure, f"Reliability, {body}")


def risk_plot(curves: Mapping[str, Mapping[str, Any]], points: Mapping[str, Mapping[str, Any]], body: str) -> str:
    """Share of wrong answers by how many are given, surest first; a dot where the checkpoint stands."""
    figure, (ax,) = new_figure(4.8, 3.6)
    for question, curve in curves.items():
        if not curve["coverage"]:
            continue
        ax.plot(curve["coverage"], curve["risk"], color=COLOURS[question], linewidth=1.8, label=QUESTIONS[question])
        at = points[question]
        if at["right"] is not None:
            ax.plot(at["coverage"]["value"], 1 - at["right"]["value"], "o", color=COLOURS[question], markersize=7)
    ax.set(xlabel="share of pairs answered", ylabel="share of wrong answers", xlim=(0, 1.03))
    ax.set_ylim(bottom=0)
    ax.grid(color=GRID, linewidth=0.7)
    ax.legend(frameon=False, fontsize=9)
    return _svg(figure, f"Risk and coverage, {body}")


def curve_plot(rows: Sequence[Mapping[str, Any]], bodies: Mapping[str, str]) -> str:
    """Topic and stance macro-F1 by the number of training articles, a line for each body of articles."""
    figures = {"topic_macro_f1": "topic macro-F1", "stance_macro_f1": "stance macro-F1, given relevance"}
    figure, axes = new_figure(8.4, 3.5, len(figures))
    for ax, (key, said) in zip(axes, figures.items(), strict=True):
        for (name, label), colour in zip(bodies.items(), COLOURS.values(), strict=False):
            found = [(r["train_articles"], r["scores"][name][key]) for r in rows if name in r["scores"]]
            points = sorted((n, f["value"], f["low"], f["high"]) for n, f in found if f)
            n, value, low, high = ([point[place] for point in points] for place in range(4))
            ax.plot(n, value, "o-", color=colour, linewidth=1.8, label=label)
            ax.fill_between(n, low, high, color=colour, alpha=0.15, linewidth=0)
        sizes = sorted({r["train_articles"] for r in rows})
        ax.set_xscale("log")
        ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
        ax.minorticks_off()
        ax.set(title=said, xlabel="training articles", ylim=(0, 1))
        ax.grid(color=GRID, linewidth=0.7)
    axes[0].legend(frameon=False, fontsize=9, loc="lower right")
    return _svg(figure, "Learning curve over data size")
