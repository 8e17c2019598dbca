"""What a run found, counted while it goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from serve.rows import Record


@dataclass
class Summary:
    """Counts of rows; a row whose text stood before counts as itself.

    Attributes:
        rows: all of them.
        errors: those with an error, ``skipped`` aside.
        skipped: those without a text to read.
        repeated: those whose headline and text stood in an earlier row; scored once.
        windows: that the articles have.
        topics: (topic, stance or "") to the number of rows where it is relevant.
        abstained: topic to the number of rows where its relevance or stance was too unsure to say.
        codes: error code to number of rows.
        warnings: warning to number of rows.
    """

    rows: int = 0
    errors: int = 0
    skipped: int = 0
    repeated: int = 0
    windows: int = 0
    topics: Counter[tuple[str, str]] = field(default_factory=Counter)
    abstained: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record, *, repeated: bool) -> None:
        """Count one row."""
        self.rows += 1
        self.repeated += repeated
        self.windows += record["windows"]
        self.warnings.update(record["warnings"])
        if error := record["error"]:
            self.codes[error["code"]] += 1
            empty = error["code"] == "empty_text"
            self.skipped += empty
            self.errors += not empty
        for topic in record["topics"]:
            self.abstained[topic["id"]] += topic["abstained"]
            if topic["relevant"]:
                self.topics[topic["id"], (topic["stance"] or {}).get("label") or ""] += 1

    def to_json(self) -> dict[str, Any]:
        """As plain values; ``topics`` is topic to stance to number of rows."""
        topics: dict[str, dict[str, int]] = {}
        for (topic, stance), count in sorted(self.topics.items()):
            topics.setdefault(topic, {})[stance] = count
        plain = {name: getattr(self, name) for name in ("rows", "errors", "skipped", "repeated", "windows")}
        counted = {name: dict(sorted(getattr(self, name).items())) for name in ("abstained", "codes", "warnings")}
        return {**plain, "topics": topics, **counted}
