"""word2vec as the start of an encoder's embeddings."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from data.errors import ConfigError
from train.word_vectors import start_from, write_vectors


def packed(path: Path, *documents: list[int]) -> Path:
    """A file as ``pack`` writes it; [SEP] is 3."""
    np.array([token for document in documents for token in [*document, 3]], dtype=np.uint16).tofile(path)
    return path


def test_tokens_of_one_context_start_near_each_other(tmp_path: Path) -> None:
    first, second = [10, 11, 12, 10, 12, 11] * 20, [20, 21, 22, 20, 22, 21] * 20
    tokens, file = packed(tmp_path / "tokens.bin", *[first, second] * 20, [30]), tmp_path / "vectors.npz"
    write_vectors(tokens, file, sep=3, size=16, passes=5, seed=1)
    torch.manual_seed(1)
    embeddings = torch.nn.Embedding(40, 16)
    before = embeddings.weight.detach().clone()
    start_from(file, embeddings.weight)
    after = embeddings.weight.detach()
    met = [10, 11, 12, 20, 21, 22]
    rest = [token for token in range(40) if token not in met]
    assert torch.equal(after[rest], before[rest])  # [SEP] and what is met too seldom among them
    assert float(after[met].std()) == pytest.approx(float(before.std()), rel=0.1)
    near = torch.nn.functional.cosine_similarity(after[10], after[11], dim=0)
    assert near > torch.nn.functional.cosine_similarity(after[10], after[20], dim=0) + 0.5
    again = tmp_path / "again.npz"
    write_vectors(tokens, again, sep=3, size=16, passes=5, seed=1)
    with np.load(file) as one, np.load(again) as two:
        np.testing.assert_array_equal(one["vectors"], two["vectors"])


def test_where_no_token_is_met_often_enough_the_embeddings_stay(tmp_path: Path) -> None:
    tokens, file = packed(tmp_path / "tokens.bin", [10, 11], [12]), tmp_path / "vectors.npz"
    write_vectors(tokens, file, sep=3, size=4, passes=1, seed=1)
    embeddings = torch.nn.Embedding(40, 4)
    before = embeddings.weight.detach().clone()
    start_from(file, embeddings.weight)
    assert torch.equal(embeddings.weight.detach(), before)


def test_without_gensim_the_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models.word2vec", None)
    with pytest.raises(ConfigError, match="no_gensim") as caught:
        write_vectors(packed(tmp_path / "tokens.bin", [10]), tmp_path / "v.npz", sep=3, size=4, passes=1, seed=1)
    assert caught.value.where == "encoder.word2vec"
