from pathlib import Path

import pytest

from data.errors import DataError
from data.taxonomy import Taxonomy


def test_the_bundled_topics_in_their_order() -> None:
    taxonomy = Taxonomy.read()
    assert taxonomy.ids == ("military_intervention", "diplomacy", "arms_embargo")
    assert taxonomy.stances == ("favor", "against", "neutral")
    assert all(topic.ar and topic.en and topic.target for topic in taxonomy.topics)


@pytest.mark.parametrize(
    "content",
    [
        "stances = []",
        '[[topic]]\nid = "a"\nar = "أ"',
        '[[topic]]\nid = "a"\nar = "أ"\nen = "A"\ncolour = 1',
        '[[topic]]\nid = "a"\nar = "أ"\nen = "A"\n[[topic]]\nid = "a"\nar = "أ"\nen = "A"',
        "not toml [",
        '[[topic]]\nid = "error"\nar = "خطأ"\nen = "Error"',
        '[[topic]]\nid = "x"\nar = "أ"\nen = "A"\n[[topic]]\nid = "x_stance"\nar = "ب"\nen = "B"',
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "taxonomy.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="bad_taxonomy"):
        Taxonomy.read(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="source_missing"):
        Taxonomy.read(tmp_path / "no.toml")
