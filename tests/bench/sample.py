"""So many articles of a source, with lengths like those of the whole."""

from __future__ import annotations

import random
from pathlib import Path

from data.article import Article
from tests.bench.batch import BUNDLED, read
from tests.bench.texts import even


def sample(source: Path | None, count: int) -> list[Article]:
    """``count`` articles with text, of even ranks of length, in an order that length has no part in; always the same.

    Args:
        source: a table or a folder of them; ``None``: the bundled articles.
    """
    found = sorted((item for item in read(source or BUNDLED) if item.text.strip()), key=lambda item: len(item.text))
    chosen = even(found, count)
    random.Random(1).shuffle(chosen)
    return chosen
