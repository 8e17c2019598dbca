"""The topics and stances that labels are made of, and their order: the order of the logits."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from data.errors import DataError

BUNDLED = Path(__file__).with_name("taxonomy.toml")
# a scored table has a column named as each topic's id, one for each of these parts behind it, and these of its own
PARTS = ("probability", "abstained", "stance", "stance_probability", "evidence")
RESERVED = frozenset({"windows", "warnings", "error", "model", "story"})


@dataclass(frozen=True)
class Topic:
    """One topic of the list.

    Attributes:
        id: stable name in snake_case; column name in tables.
        ar: name shown to Arabic readers.
        en: name shown to English readers.
        target: what the stance is about.
        favor: what ``favor`` means here, where that is not plain.
        against: what ``against`` means here, where that is not plain.
    """

    id: str
    ar: str
    en: str
    target: str = ""
    favor: str = ""
    against: str = ""


@dataclass(frozen=True)
class Taxonomy:
    """Topics and stances in the order of the logits. ``stances`` may be empty: topics alone."""

    topics: tuple[Topic, ...]
    stances: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(topic.id for topic in self.topics)

    @classmethod
    def read(cls, path: Path = BUNDLED) -> Taxonomy:
        """Read a taxonomy file.

        Raises:
            DataError: ``source_missing``, or ``bad_taxonomy`` naming the topic or key that is wrong.
        """
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataError("source_missing", "no such taxonomy", where=str(path)) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError("bad_taxonomy", str(error), where=str(path)) from error
        topics = []
        for number, entry in enumerate(values.get("topic", []), start=1):
            unknown = set(entry) - set(Topic.__dataclass_fields__)
            missing = {"id", "ar", "en"} - set(entry)
            if unknown or missing:
                problem = f"unknown {sorted(unknown)}" if unknown else f"missing {sorted(missing)}"
                raise DataError("bad_taxonomy", problem, where=f"{path}: topic {number}")
            topics.append(Topic(**entry))
        ids = [topic.id for topic in topics]
        columns = {f"{name}_{part}" for name in ids for part in PARTS} | RESERVED
        if taken := sorted(columns.intersection(ids)):
            raise DataError("bad_taxonomy", f"ids that are other columns of a scored table: {taken}", where=str(path))
        if not topics or len(set(ids)) != len(ids):
            raise DataError("bad_taxonomy", "topics must be there and their ids distinct", where=str(path))
        return cls(tuple(topics), tuple(values.get("stances", ())))
