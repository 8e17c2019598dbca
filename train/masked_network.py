"""The network that pretraining trains: ModernBERT's layout with its head for masked tokens, new or read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import ModernBertConfig, ModernBertForMaskedLM

from data.errors import ConfigError
from train.masking import UNMASKED


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of an encoder's folder.

    Raises:
        ConfigError: ``no_encoder`` where it has none with [MASK].
    """
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises nothing more precise
        raise ConfigError("no_encoder", f"no tokenizer that can be read: {error}", where=str(folder)) from error
    if tokenizer.token_to_id("[MASK]") is None:
        raise ConfigError("no_encoder", "its tokenizer has no [MASK]", where=str(folder))
    return tokenizer


def read_network(folder: Path, tokenizer: Tokenizer) -> ModernBertForMaskedLM:
    """The network of an encoder's folder, in float32.

    Raises:
        ConfigError: ``no_encoder`` where it holds none of ModernBERT's layout that fits ``tokenizer``.
    """
    try:
        layout = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        if layout != "modernbert":
            raise ValueError(f"the layout is {layout}")  # transformers would load it with random weights
        network: ModernBertForMaskedLM = ModernBertForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError("no_encoder", f"no ModernBERT that can be loaded: {error}", where=str(folder)) from error
    if network.config.vocab_size <= max(tokenizer.get_vocab().values()):
        raise ConfigError("no_encoder", "fewer embeddings than the tokenizer has entries", where=str(folder))
    return network


def new_network(sizes: dict[str, Any], vocabulary: int) -> ModernBertForMaskedLM:
    """Random weights, of the ``[encoder]`` section's sizes."""
    return ModernBertForMaskedLM(
        ModernBertConfig(
            vocab_size=vocabulary,
            hidden_size=sizes["hidden"],
            num_hidden_layers=sizes["layers"],
            num_attention_heads=sizes["heads"],
            intermediate_size=sizes["intermediate"],
            local_attention=sizes["local_attention"],
            layer_types=[
                "full_attention" if layer % sizes["global_every"] == 0 else "sliding_attention"
                for layer in range(sizes["layers"])
            ],
            max_position_embeddings=sizes["positions"],
            attention_dropout=0.0,  # dropout there takes the fused kernel away: 2.6 times slower on a CPU
            pad_token_id=0,
            bos_token_id=2,
            cls_token_id=2,
            eos_token_id=3,
            sep_token_id=3,
        )
    )


class MaskedLoss(torch.nn.Module):
    """A network and the sum of its losses at hidden tokens, in one module: what is compiled and shared out."""

    def __init__(self, network: ModernBertForMaskedLM) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor, places: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Cross-entropy in nats, summed over places with a label; arguments as ``train.masking.mask`` gives them."""
        return hidden_losses(self.network, inputs, places, labels).sum()


def hidden_losses(
    network: ModernBertForMaskedLM, inputs: torch.Tensor, places: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy in nats at each hidden token, float32 (R, M); 0 where there is no label.

    Rows are full: no attention mask. The vocabulary's logits are computed at hidden tokens alone.
    """
    states = network.model(input_ids=inputs).last_hidden_state
    hidden = states.gather(1, places[..., None].expand(-1, -1, states.shape[-1]))
    logits = network.decoder(network.head(hidden)).float()
    losses = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=UNMASKED, reduction="none"
    )
    return losses.view_as(labels)
