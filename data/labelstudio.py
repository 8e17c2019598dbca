"""Label Studio: its labelling configuration made from the taxonomy, tasks out, annotations in.

Shapes after Label Studio's documentation of ``Choices``, ``Labels`` and ``TextArea`` and of its JSON export. A task
made here and read back gives the same article; what an annotator changes in between is what was annotated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from data.article import Article, Label, LabelledArticle, Span, Voice
from data.articles import check_text, distinct, read_id, read_notes
from data.errors import DataError
from data.taxonomy import Taxonomy

EVIDENCE, VOICE, ACTOR = "evidence", "voice", "actor"
_ABOUT = ("genre", "outlet", "date", "place", "event", "split")
_COLOURS = ("#2f6f8f", "#8a5a2b", "#6b4c8f", "#3d7a4a", "#99405a", "#7a7324")
_AR = {"favor": "مؤيد", "against": "معارض", "neutral": "محايد"}


def labelling_config(taxonomy: Taxonomy) -> str:
    """The XML that a Label Studio project is set up with: right to left, one block of questions a topic."""
    blocks = []
    for topic in taxonomy.topics:
        means = "; ".join(
            f"{stance} = {meaning}" for stance in ("favor", "against") if (meaning := getattr(topic, stance))
        )
        hint = f"{topic.target} ({means})" if means else topic.target
        stances = "".join(f"<Choice value={quoteattr(s)} html={quoteattr(_AR.get(s, s))}/>" for s in taxonomy.stances)
        blocks.append(
            f'<View style="border-top: 1px solid #ccc; padding: 8px 0">'
            f'<Header value={quoteattr(topic.ar)}/><Header size="6" value={quoteattr(hint)}/>'
            f'<Choices name={quoteattr(_relevant(topic.id))} toName="text" choice="single" showInline="true">'
            f'<Choice value="yes" html="نعم، المقال عن هذا"/><Choice value="no" html="لا"/></Choices>'
            f'<Choices name={quoteattr(_stance(topic.id))} toName="text" choice="single" showInline="true" '
            f'visibleWhen="choice-selected" whenTagName={quoteattr(_relevant(topic.id))} whenChoiceValue="yes">'
            f"{stances}</Choices></View>"
        )
    evidence = "".join(
        f"<Label value={quoteattr(t.id)} html={quoteattr(t.ar)} background={quoteattr(_COLOURS[k % len(_COLOURS)])}/>"
        for k, t in enumerate(taxonomy.topics)
    )
    voices = "".join(
        f"<Label value={quoteattr(f'{t.id}:{s}')} html={quoteattr(f'{t.ar}: {_AR.get(s, s)}')}/>"
        for t in taxonomy.topics
        for s in taxonomy.stances
    )
    return (
        '<View style="direction: rtl; text-align: right">\n'
        '<Header value="$title"/>\n'
        f'<Header size="5" value="الجمل الدالة"/><Labels name="{EVIDENCE}" toName="text">{evidence}</Labels>\n'
        f'<Header size="5" value="مواقف الأطراف"/><Labels name="{VOICE}" toName="text">{voices}</Labels>\n'
        '<Text name="text" value="$text" granularity="sentence"/>\n'
        f'<TextArea name="{ACTOR}" toName="text" perRegion="true" whenTagName="{VOICE}" visibleWhen="region-selected"'
        ' placeholder="اسم الطرف كما ورد"/>\n' + "\n".join(blocks) + "\n</View>\n"
    )


def _relevant(topic: str) -> str:
    return f"{topic}_relevant"


def _stance(topic: str) -> str:
    return f"{topic}_stance"


def to_tasks(articles: Iterable[LabelledArticle], *, blind: bool = False) -> list[dict[str, Any]]:
    """Tasks to import into a project.

    Args:
        blind: without the labels there are, for an independent reading.
    """
    return [_task(item, blind=blind) for item in articles]


def _task(item: LabelledArticle, *, blind: bool) -> dict[str, Any]:
    text = item.article.text
    data: dict[str, Any] = {"id": item.article.id, "title": item.article.title, "text": text}
    data |= {key: getattr(item, key) for key in _ABOUT if getattr(item, key)}
    if item.notes and not blind:
        data["notes"] = json.dumps(dict(item.notes), ensure_ascii=False)
    task: dict[str, Any] = {"data": data}
    if blind or not (item.labels or item.voices):
        return task
    result: list[dict[str, Any]] = []
    for topic, label in item.labels.items():
        result.append(_choice(_relevant(topic), "yes" if label.relevant else "no"))
        if label.stance is not None:
            result.append(_choice(_stance(topic), label.stance))
        for n, span in enumerate(label.evidence or ()):
            result.append(_region(f"{EVIDENCE}-{topic}-{n}", EVIDENCE, "labels", [topic], span, text))
    for n, voice in enumerate(item.voices):
        name = f"{VOICE}-{n}"
        result.append(_region(name, VOICE, "labels", [f"{voice.topic}:{voice.stance}"], voice.sentence, text))
        result.append(_region(name, ACTOR, "text", [voice.actor], voice.sentence, text, kind="textarea"))
    task["annotations"] = [{"result": result}]
    return task


def _choice(name: str, value: str) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": [value]}}


def _region(
    name: str, source: str, key: str, values: Sequence[str], span: Span, text: str, *, kind: str = "labels"
) -> dict[str, Any]:
    value = {"start": span[0], "end": span[1], "text": text[slice(*span)], key: list(values)}
    return {"id": name, "from_name": source, "to_name": "text", "type": kind, "value": value}


def read_tasks(path: Path, taxonomy: Taxonomy) -> list[LabelledArticle]:
    """Articles of a Label Studio JSON export; of several annotations the last one that was not cancelled counts.

    Raises:
        DataError: ``source_missing``, ``bad_task``, ``bad_label``, ``bad_span``, ``duplicate_id``; ``where`` has the
            task's number.
    """
    try:
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError("source_missing", "no such file", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise DataError("bad_task", f"not JSON: {error}", where=str(path)) from error
    if not isinstance(tasks, list):
        raise DataError("bad_task", "a list of tasks is wanted", where=str(path))
    places = ((f"{path}: task {number}", task) for number, task in enumerate(tasks, start=1))
    return distinct((where, _read(task, taxonomy, where)) for where, task in places)


def _read(task: Any, taxonomy: Taxonomy, where: str) -> LabelledArticle:
    try:
        check_text(task, "bad_task", where)
        data = task["data"]
        if not isinstance(data["text"], str):
            raise DataError("bad_task", "text is not a string", where=where)
        article = Article(read_id(data["id"], "bad_task", where), str(data.get("title") or ""), data["text"])
        finished = [a for a in task.get("annotations") or () if not a.get("was_cancelled")]
        result = finished[-1]["result"] if finished else []
        notes = read_notes(data.get("notes"))
        labels, voices = _labels(result, article.text, taxonomy, where)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
        raise DataError("bad_task", f"not a task of this configuration: {error!r}", where=where) from error
    about = {key: str(data.get(key) or "") for key in _ABOUT}
    return LabelledArticle(article, labels, voices=voices, notes=notes, **about)


def _labels(
    result: Iterable[Mapping[str, Any]], text: str, taxonomy: Taxonomy, where: str
) -> tuple[dict[str, Label], tuple[Voice, ...]]:
    choices: dict[str, str] = {}
    spans: dict[str, list[Span]] = {}
    said: dict[str, tuple[str, str, Span]] = {}
    actors: dict[str, str] = {}
    for part in result:
        source, value = part["from_name"], part["value"]
        if part["type"] == "choices":
            choices[source] = value["choices"][0]
        elif source == EVIDENCE:
            spans.setdefault(value["labels"][0], []).append(_span(value, text, where))
        elif source == VOICE:
            topic, _, stance = value["labels"][0].rpartition(":")
            said[part["id"]] = (topic, stance, _span(value, text, where))
        elif source == ACTOR:
            actors[part["id"]] = value["text"][0]
    for topic in spans:
        if topic not in taxonomy.ids:
            raise DataError("bad_label", f"evidence for {topic!r}, which is not in the taxonomy", where=where)
    labels = {}
    for topic in taxonomy.ids:
        answer = choices.get(_relevant(topic))
        if answer is None and topic not in spans and _stance(topic) not in choices:
            continue
        if answer not in ("yes", "no"):
            problem = f"{answer!r} is neither yes nor no" if answer else "a stance or evidence, but neither yes nor no"
            raise DataError("bad_label", problem, where=f"{where}: {topic}")
        relevant = answer == "yes"
        stance = choices.get(_stance(topic)) if relevant else None
        if stance is not None and stance not in taxonomy.stances:
            raise DataError("bad_label", f"no stance {stance!r} in the taxonomy", where=f"{where}: {topic}")
        labels[topic] = Label(relevant, stance, tuple(spans[topic]) if topic in spans else None)
    return labels, tuple(Voice(actors.get(name, ""), *rest) for name, rest in said.items())


def _span(value: Mapping[str, Any], text: str, where: str) -> Span:
    """Code points, or the UTF-16 units that a browser counts; the marked text tells which."""
    start, end, marked = int(value["start"]), int(value["end"]), value.get("text")
    if not 0 <= start < end or (not marked and end > len(text)):
        raise DataError("bad_span", f"[{start}, {end}] is outside the text", where=where)
    if not marked:
        return start, end
    units = text.encode("utf-16-le")
    for first in (start, len(units[: 2 * start].decode("utf-16-le", "ignore"))):
        for shown in (marked, marked.replace("\\n", "\n")):  # some versions export a line break as backslash and n
            if text.startswith(shown, first):
                return first, first + len(shown)
    raise DataError("bad_span", f"[{start}, {end}] does not hold the text that was marked", where=where)
