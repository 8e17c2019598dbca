"""The loss at hidden tokens of other texts, and the plot of pretraining's."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import ModernBertForMaskedLM

from data.errors import ConfigError, DataError
from tests.conftest import SENTENCES
from train.loss_plot import loss_plot
from train.masked_loss import masked_loss
from train.masked_network import new_network, read_tokenizer
from train.masking import UNMASKED, mask, ordinary_ids
from train.schedule import PretrainConfig
from train.tokenizer import train_tokenizer

DOCUMENTS = [" ".join(SENTENCES[k:] + SENTENCES[:k]) for k in range(6)]
SIZES = {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 32, "local_attention": 8, "positions": 32}


def ids_of(tokenizer: Tokenizer) -> Callable[[str], list[int]]:
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    tokenizer = train_tokenizer(SENTENCES * 5, 300)
    torch.manual_seed(0)
    sizes = PretrainConfig.read(None).encoder | SIZES
    new_network(sizes, tokenizer.get_vocab_size()).save_pretrained(tmp_path / "encoder")
    tokenizer.save(str(tmp_path / "encoder" / "tokenizer.json"))
    return tmp_path / "encoder"


def test_a_network_that_knows_nothing_is_as_good_as_chance(encoder: Path) -> None:
    weights = load_file(encoder / "model.safetensors")
    save_file(
        {name: torch.zeros_like(w) for name, w in weights.items()}, encoder / "model.safetensors", {"format": "pt"}
    )
    found = masked_loss(encoder, DOCUMENTS, length=16, share=0.5)
    entries = ModernBertForMaskedLM.from_pretrained(encoder).config.vocab_size
    assert found["loss"] == dict.fromkeys(("value", "low", "high"), round(math.log(entries), 4))
    assert found["documents"] == len(DOCUMENTS)
    assert found["hidden"] == pytest.approx(found["rows"] * 16 / 2, rel=0.15)


def test_it_is_the_loss_that_pretraining_lowers(encoder: Path) -> None:
    network, tokenizer = ModernBertForMaskedLM.from_pretrained(encoder), read_tokenizer(encoder)
    rows = [ids[at : at + 16] for ids in map(ids_of(tokenizer), DOCUMENTS) for at in range(0, len(ids) - 15, 16)]
    generator, ordinary = torch.Generator().manual_seed(0), ordinary_ids(tokenizer)
    mask_id = tokenizer.get_vocab()["[MASK]"]
    inputs, places, labels = mask(
        torch.tensor(rows[:40]), share=0.25, keep=0.1, mask_id=mask_id, ordinary=ordinary, generator=generator
    )
    with torch.inference_mode():
        everywhere = torch.full_like(inputs, UNMASKED).scatter(1, places, labels)
        expected = network(input_ids=inputs, attention_mask=torch.ones_like(inputs), labels=everywhere).loss
    found = masked_loss(encoder, DOCUMENTS, length=16, most=40)
    assert found["loss"]["value"] == pytest.approx(float(expected), abs=1e-4)
    assert found["loss"]["low"] < found["loss"]["value"] < found["loss"]["high"]
    assert (found["rows"], found["hidden"]) == (40, int((labels != UNMASKED).sum()))


def test_mistakes_are_named(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="small_corpus"):
        masked_loss(encoder, ["قصير", ""], length=16)
    with pytest.raises(ConfigError, match="no_encoder"):
        masked_loss(tmp_path / "nowhere", DOCUMENTS)


def test_the_plot_joins_runs(tmp_path: Path) -> None:
    logs = [tmp_path / name for name in ("one.jsonl", "two.jsonl")]
    for path in logs:
        lines = [json.dumps({"step": k, "tokens": k * 1000, "loss": 5 - k / 10}) for k in range(1, 21)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    loss_plot(logs, tmp_path / "deep" / "loss.svg", before=2_000_000)
    assert "<svg" in (tmp_path / "deep" / "loss.svg").read_text(encoding="utf-8")
    logs[1].write_text('{"step": 1, "tok', encoding="utf-8")
    with pytest.raises(DataError, match=r"bad_line.*two.jsonl:1"):
        loss_plot(logs, tmp_path / "loss.png")
    logs[1].write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="small_corpus"):
        loss_plot(logs, tmp_path / "loss.png")
    with pytest.raises(DataError, match="source_missing"):
        loss_plot([tmp_path / "none"], tmp_path / "loss.png")
