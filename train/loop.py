"""Fine-tuning: transformers' Trainer over whole articles, with the loss of ``train.loss``.

The Trainer brings what a loop of one's own gets wrong: resuming, several GPUs, bf16, gradient checkpointing.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler
from transformers import Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from data.errors import ConfigError
from models.network import LabelAttention
from train.base import find_compiler
from train.batches import ByLength, Example, collate
from train.config import Config
from train.loss import multitask_loss
from train.masking import hide


class Examples(Dataset[Example]):
    """A list of examples, as torch wants it."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Example:
        return self._examples[index]


class LabelAttentionTrainer(Trainer):
    """Trainer whose loss pools each article over all its windows."""

    def __init__(
        self, *args: Any, config: Config, sampler: Sampler[int] | None, mask_id: int | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._config, self._sampler, self._mask_id = config, sampler, mask_id

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        del return_outputs, num_items_in_batch  # the Trainer's; evaluation is never done here
        network = self.accelerator.unwrap_model(model)
        ids, counted, owner = inputs["input_ids"], inputs["counted"], inputs["owner"]
        if self._mask_id is not None:
            ids = hide(ids, counted, share=self._config.optimizer.masked, mask_id=self._mask_id)
        heads = model(ids, inputs["attention_mask"])
        logits, attention = network.pool(heads, counted, owner, len(inputs["relevance"]))
        article = owner[:, None].expand_as(counted)[counted]
        return multitask_loss(logits, attention, inputs, article, self._config.loss)

    def _get_train_sampler(self, train_dataset: Dataset[Any] | None = None) -> Sampler[int] | None:
        if self._sampler is not None:
            return self._sampler
        sampler: Sampler[int] | None = super()._get_train_sampler(train_dataset)
        return sampler


def fit(
    network: LabelAttention,
    examples: Sequence[Example],
    config: Config,
    folder: Path,
    *,
    mask_id: int | None = None,
) -> list[dict[str, Any]]:
    """Train ``network`` in place; returns the log. Goes on from ``folder`` where an interrupted run left a state.

    Args:
        mask_id: what hides a token, for ``optimizer.masked``; None where the encoder has no such token.

    Raises:
        ConfigError: ``one_process`` under a launcher of several: the GPUs of one machine are used from one process;
            ``no_mask`` where tokens are to be hidden without ``mask_id``; ``no_compiler`` where the encoder is to be
            compiled without one; ``diverged`` where a weight is not a finite number at the end.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("one_process", "start it without a launcher: it uses this machine's GPUs by itself")
    if config.optimizer.masked and mask_id is None:
        raise ConfigError(
            "no_mask", "the encoder's tokenizer has no token that hides another", where="optimizer.masked"
        )
    set_seed(config.seed)
    for cut in folder.glob("checkpoint-*"):  # killed while it was being written: this file comes last
        if not (cut / "trainer_state.json").is_file():
            shutil.rmtree(cut)
    optimizer = config.optimizer
    per_epoch = math.ceil(len(examples) / optimizer.batch)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=optimizer.epochs,
        per_device_train_batch_size=max(optimizer.batch // max(torch.cuda.device_count(), 1), 1),
        learning_rate=optimizer.rate,
        warmup_steps=int(optimizer.warmup * per_epoch * optimizer.epochs),
        lr_scheduler_type="linear",
        max_grad_norm=optimizer.clip,
        bf16=config.run.precision == "bf16",
        seed=config.seed,
        data_seed=config.seed,
        save_strategy="epoch",
        save_total_limit=1,
        logging_steps=max(per_epoch // 4, 1),
        report_to=[],
        disable_tqdm=False,  # said aloud: the default follows the verbosity of the log
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        use_cpu=not torch.cuda.is_available(),
    )
    if config.run.attention == "eager":
        network.encoder.set_attn_implementation("eager")  # type: ignore[operator]  # transformers adds it
    if config.run.gradient_checkpointing:  # done here: the Trainer's own switch wants a transformers model
        network.encoder.gradient_checkpointing_enable()  # type: ignore[operator]  # transformers adds it
    if config.run.compile:
        find_compiler()
        network.encoder.compile(dynamic=True)  # batches are of all shapes
    lengths = [example.encoded.tokens for example in examples]
    trainer = LabelAttentionTrainer(
        model=network,
        args=arguments,
        train_dataset=Examples(examples),
        data_collator=collate,
        optimizers=(_optimizer(network, config), None),
        config=config,
        mask_id=mask_id if optimizer.masked else None,
        sampler=ByLength(lengths, batch=arguments.train_batch_size, seed=config.seed) if optimizer.by_length else None,
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)) if folder.exists() else None)
    if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
        shutil.rmtree(folder, ignore_errors=True)
        raise ConfigError("diverged", "weights are not numbers any more: lower the rate", where="optimizer.rate")
    return list(trainer.state.log_history)


def _optimizer(network: LabelAttention, config: Config) -> torch.optim.AdamW:
    """AdamW: the heads are new and learn faster than the encoder; no decay on gains and biases."""
    o = config.optimizer
    encoder = list(network.encoder.parameters())
    groups = [
        {"params": [p for p in encoder if p.ndim > 1], "lr": o.rate, "weight_decay": o.weight_decay},
        {"params": [p for p in encoder if p.ndim <= 1], "lr": o.rate, "weight_decay": 0.0},
        {"params": [network.heads.weight], "lr": o.head_rate, "weight_decay": o.weight_decay},
        {"params": [network.heads.bias], "lr": o.head_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=o.rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
