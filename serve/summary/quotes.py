"""The sentences of the report, each with the row it is from: evidence, and what waits for a person to decide."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

from data.corpus import words
from serve.summary.figures import Figures
from serve.summary.tallies import NO_STANCE, STANCE_UNSURE, UNSURE, Best, Kept


def evidence(
    figures: Figures, w: Mapping[str, Any], names: Mapping[str, str], place: Mapping[str, int], named: int
) -> str:
    """By topic and stance; what only an outlet's own list has is hidden until outlets are chosen.

    Args:
        place: of an outlet among those in the page; the first ``named`` are single ones.
    """
    tally, blocks = figures.tally, []
    for topic in figures.counts.topics:
        blocks.append(f"<h3>{escape(names[topic])}</h3>")
        for its in (*figures.counts.stances, NO_STANCE):
            main = tally.evidence.get((topic, its), Best(1)).ranked()
            more = [
                k
                for (t, s, o), best in tally.evidence_of.items()
                if (t, s) == (topic, its)
                for k in best.ranked()
                if place.get(o, named) < named
            ]
            known = {(kept.number, kept.text) for kept in main}
            extra = {(kept.number, kept.text): kept for kept in more if (kept.number, kept.text) not in known}
            both = sorted([*main, *extra.values()], key=lambda kept: (-kept.score, kept.number))
            items = [_item(kept, w, place, _same(kept), extra=(kept.number, kept.text) in extra) for kept in both]
            if items:
                blocks.append(_list(w["states"].get(its, its), items, w["no_evidence"]))
    return "".join(blocks)


def doubts(figures: Figures, w: Mapping[str, Any], names: Mapping[str, str], place: Mapping[str, int]) -> str:
    """By topic and kind, with the strongest sentence of each."""
    blocks = []
    for topic in figures.counts.topics:
        lists = []
        for its in (UNSURE, STANCE_UNSURE):
            if best := figures.tally.doubts.get((topic, its)):
                items = [_item(kept, w, place, str(kept.number)) for kept in best.ranked()]
                lists.append(_list(w["states"][its], items, w["no_abstentions"]))
        blocks += [f"<h3>{escape(names[topic])}</h3>", *lists] if lists else []
    return "".join(blocks) or f"<p>{escape(w['no_abstentions'])}</p>"


def _list(title: str, items: list[str], none: str) -> str:
    return (
        f'<h4>{escape(title)}</h4><ol class="kept">{"".join(items)}</ol>'
        f'<p class="note" hidden>{escape(none)}</p><button type="button" hidden></button>'
    )


def _item(kept: Kept, w: Mapping[str, Any], place: Mapping[str, int], same: str, *, extra: bool = False) -> str:
    numbers = [f"{w['probability']} {kept.probability:.2f}"]
    if kept.threshold is not None:
        numbers.append(f"{w['threshold']} {kept.threshold:.2f}")
    if kept.stance_probability is not None:
        numbers.append(f"{w['stance_probability']} {kept.stance_probability:.2f}")
    if kept.share is not None:
        numbers.append(f"{w['share']} {kept.share:.2f}")
    url = link(kept.url)
    said = [
        f"<bdi>{escape(kept.outlet)}</bdi>" if kept.outlet else "",
        f'<bdi dir="ltr">{escape(kept.day)}</bdi>' if kept.day else "",
        f"<cite><bdi>{escape(kept.title)}</bdi></cite>" if kept.title else "",
        f"<bdi>{escape(w['row'])} {kept.number}</bdi>" + (f" <bdi>({escape(kept.id)})</bdi>" if kept.id else ""),
        f'<a href="{escape(url)}" rel="noopener noreferrer">{escape(w["link"])}</a>' if url else "",
        f"<span>{escape(w['comma'].join(numbers))}</span>",
    ]
    where = f'data-o="{place[kept.outlet]}" data-m="{kept.day[:7]}" data-same="{same}"' + (
        ' data-extra="1" hidden' if extra else ""
    )
    quoted = f'<q dir="auto">{escape(kept.text)}</q>' if kept.text else ""
    return f'<li {where}>{quoted}<div class="from">{"".join(said)}</div></li>\n'


def _same(kept: Kept) -> str:
    """Equal for sentences that differ in marks and punctuation alone."""
    return hashlib.blake2b(" ".join(words(kept.text)).encode("utf-8", "replace"), digest_size=6).hexdigest()


def link(url: str) -> str:
    """``url`` where it is one of the web, its odd characters escaped; else empty."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
        return ""
    return quote(url.strip(), safe="%/:=&?~#+!$,;'@()*[]")
