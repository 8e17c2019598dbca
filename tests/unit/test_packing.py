"""Documents as one row of ids, and batches out of it."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from data.errors import ConfigError, DataError
from tests.conftest import SENTENCES
from train.packing import Rows, pack
from train.tokenizer import train_tokenizer


def test_what_is_packed_can_be_read_back(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(SENTENCES * 5, 400)
    written = pack(["", *SENTENCES], tokenizer, tmp_path / "tokens.bin")
    ids = np.fromfile(tmp_path / "tokens.bin", dtype=np.uint16)
    expected = [[*tokenizer.encode(text, add_special_tokens=False).ids, 3] for text in SENTENCES]
    assert ids.tolist() == list(itertools.chain(*expected))
    assert written == len(ids)
    assert pack(SENTENCES, tokenizer, tmp_path / "head.bin", limit=len(expected[0]) + 1) == sum(map(len, expected[:2]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["head.bin", "tokens.bin"]


def test_what_cannot_be_packed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="small_corpus"):
        pack(["", ""], train_tokenizer(SENTENCES * 5, 400), tmp_path / "tokens.bin")
    for words in ({"a": 0}, {"[SEP]": 0, "a": 65_536}):
        tokenizer = Tokenizer(models.WordLevel(words, unk_token="a"))
        with pytest.raises(ConfigError, match="no_encoder"):
            pack(["a"], tokenizer, tmp_path / "tokens.bin")
    assert list(tmp_path.iterdir()) == []


def test_the_phases_together_read_the_file_once_a_pass(tmp_path: Path) -> None:
    np.arange(20 * 32 + 5, dtype=np.uint16).tofile(tmp_path / "tokens.bin")
    plan = [(8, range(7)), (16, range(7, 13)), (8, range(13, 40))]  # a pass is of 20 steps
    phases = [Rows(tmp_path / "tokens.bin", length=n, block=16, batch=32, phase=p, seed=3) for n, p in plan]
    seen = [rows.batch(step) for rows, (_, phase) in zip(phases, plan, strict=True) for step in phase]
    assert [batch.shape for batch in seen] == [(32 // n, n) for n, phase in plan for _ in phase]
    for a_pass in (seen[:20], seen[20:]):
        tokens = np.concatenate([batch.ravel() for batch in a_pass])
        assert len(tokens) == len(np.unique(tokens)) == 640
    assert not np.array_equal(seen[0], seen[20])
    rows = Rows(tmp_path / "tokens.bin", length=8, block=16, batch=32, phase=plan[2][1], seed=3)
    np.testing.assert_array_equal(rows.batch(33), seen[33])  # whatever was asked before
