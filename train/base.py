"""The encoder that a configuration names, with fresh heads, and its tokenizer."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer, normalizers
from transformers import AutoModel, AutoTokenizer, set_seed
from transformers.utils import logging

from data.errors import ConfigError
from models.checkpoint import sha256
from models.contract import Contract, Windows
from models.encoding import special_ids
from models.network import LabelAttention, build_network
from train.config import ROOT, Config
from train.tokenizer import arabic_marks


def prepare(config: Config, contract: Contract, folder: Path) -> LabelAttention:
    """The network with fresh heads; its configuration and tokenizer written to ``folder``.

    Raises:
        ConfigError: ``no_encoder`` where the base can't be loaded, has no fast tokenizer, or one without tokens that
            open and close a text.
    """
    base = find_base(config.encoder.base)
    set_seed(config.seed)
    logging.set_verbosity_error()  # a base's own head is left out on purpose: no report of unused weights
    try:
        network = build_network(
            base,
            topics=len(contract.taxonomy.topics),
            stances=len(contract.taxonomy.stances),
            dropout=config.optimizer.dropout,
        )
        if config.optimizer.encoder_dropout:
            set_dropout(network.encoder, config.optimizer.encoder_dropout)
        tokenizer = load_tokenizer(base)
        special_ids(tokenizer)
        if not config.encoder.pretrained:
            fresh = AutoModel.from_config(network.encoder.config, dtype=torch.float32)
            network.encoder.load_state_dict(fresh.state_dict(), strict=False)  # but for a pooler, that is not here
    except Exception as error:  # the libraries raise a dozen types, down to bare Exception, for a base that is broken
        raise ConfigError("no_encoder", f"not an encoder that can be loaded: {error}", where=base) from error
    network.encoder.config.save_pretrained(folder)  # type: ignore[union-attr,operator]  # a transformers model
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    return network


def set_dropout(encoder: torch.nn.Module, share: float) -> None:
    """Drop ``share`` wherever ``encoder`` has a place for it, which may stand at 0: ModernBERT after the embeddings and
    inside each MLP (and nowhere on its attention, whose layers leave the place out)."""
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share


def load_tokenizer(base: str) -> Tokenizer:
    """The fast tokenizer of a hub id or folder; for encoders that are not ours, our normaliser runs first.

    Raises:
        ValueError: the base has a slow tokenizer only.
    """
    file = Path(base) / "tokenizer.json"
    if file.is_file():
        tokenizer = Tokenizer.from_file(str(file))
    else:
        fast = getattr(AutoTokenizer.from_pretrained(base), "backend_tokenizer", None)
        if not isinstance(fast, Tokenizer):
            raise ValueError("it has no fast tokenizer, and offsets into the text need one")
        tokenizer = fast
    # looked for in the normaliser alone: many a vocabulary has a tatweel
    if "\u0640" not in json.dumps(json.loads(tokenizer.to_str())["normalizer"], ensure_ascii=False):
        # tatweel, harakat and direction marks go; letters stay as the encoder learnt them
        own = [tokenizer.normalizer] if tokenizer.normalizer else []
        tokenizer.normalizer = normalizers.Sequence([arabic_marks(), *own])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def find_base(name: str) -> str:
    """A path as given, or from the project's root; else a hub id."""
    return name if Path(name).exists() else str(ROOT / name) if (ROOT / name).exists() else name


def base_digest(name: str, *, pretrained: bool = True) -> str:
    """Names all of a base that a training depends on: digests of its files where it is a folder, else the hub id.

    Args:
        pretrained: false where the weights are not taken: layout and tokenizer alone.
    """
    folder = Path(find_base(name))
    endings = ("json", "safetensors", "bin") if pretrained else ("json",)
    files = sorted(path for ending in endings for path in folder.glob(f"*.{ending}"))
    return " ".join(map(sha256, files)) or name


def find_compiler() -> None:
    """Look for what torch.compile wants, before it fails with a page of its own.

    Raises:
        ConfigError: ``no_compiler``.
    """
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++"]
    if not torch.cuda.is_available() and not any(map(shutil.which, names)):
        raise ConfigError("no_compiler", f"a C++ compiler ({' or '.join(names)}) is wanted", where="run.compile")


def fitting_windows(contract: Contract, network: LabelAttention) -> Contract:
    """Windows no longer than the encoder has positions for."""
    positions = int(getattr(network.encoder.config, "max_position_embeddings", 512))
    if getattr(network.encoder.config, "model_type", "") in ("roberta", "xlm-roberta", "camembert"):
        positions -= 2  # their positions start behind the padding index
    wanted = contract.windows
    if wanted.length <= positions:
        return contract
    return dataclasses.replace(contract, windows=Windows(positions, min(wanted.overlap, positions // 8)))
