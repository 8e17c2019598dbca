"""Pretrain the compact Arabic encoder by masked language modelling.

    python -m train pretrain --corpus CORPUS --out runs/encoder [--config C.toml] [--init FOLDER]

The run is resumable to the step: kill it and give the same command again. Batches are a pure function of the
seed and the step, so the interrupted run sees the same text. One GPU, several (``accelerate launch``) or the
CPU take the same code. ``log.jsonl`` beside the weights holds step, tokens, loss and rate.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.accelerator import Accelerator
from accelerate.utils.random import set_seed
from tokenizers import Tokenizer
from transformers import ModernBertConfig, ModernBertForMaskedLM

from data.documents import read_documents
from data.errors import ConfigError
from train.packing import Rows, pack
from train.tokenizer import SPECIAL, fertility, train_tokenizer

DEFAULT = Path(__file__).parent / "configs" / "pretrain.toml"
_UNMASKED = -100  # the label that the loss passes over


@dataclass(frozen=True)
class PretrainConfig:
    """Resolved settings of one run; the keys are explained in ``configs/pretrain.toml``."""

    seed: int
    tokenizer: dict[str, Any]
    encoder: dict[str, Any]
    objective: dict[str, Any]
    schedule: dict[str, Any]
    run: dict[str, Any]

    @classmethod
    def read(cls, path: Path | None) -> PretrainConfig:
        """Read the defaults, then ``path`` over them, key by key.

        Raises:
            ConfigError: ``unknown_key`` for a section or key the defaults don't have.
        """
        values = tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
        given = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
        for name, value in given.items():
            if name not in values:
                raise ConfigError("unknown_key", "no such section", where=name)
            if not isinstance(value, dict):
                values[name] = value
                continue
            for key in value:
                if key not in values[name]:
                    raise ConfigError("unknown_key", "no such key", where=f"{name}.{key}")
            values[name] |= value
        return cls(**values)


@dataclass(frozen=True)
class Step:
    """Where step ``number`` stands: which rows it takes and at which rate it learns."""

    number: int
    length: int
    rate: float


def steps(config: PretrainConfig) -> list[Step]:
    """The whole run, step by step (warm-up, stable, decay; short rows first)."""
    schedule = config.schedule
    total = max(int(schedule["tokens"]) // int(schedule["batch"]), 1)
    warm, decay = max(int(total * schedule["warmup"]), 1), max(int(total * schedule["decay"]), 1)
    ends = list(itertools.accumulate(share for _, share in schedule["lengths"]))
    plan = []
    for number in range(total):
        factor = min((number + 1) / warm, 1.0, (total - number) / decay)
        phase = next((i for i, end in enumerate(ends) if number < end * total), len(ends) - 1)
        plan.append(Step(number, int(schedule["lengths"][phase][0]), schedule["rate"] * factor))
    return plan


def mask(
    ids: torch.Tensor, *, share: float, keep: float, mask_id: int, vocabulary: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide ``share`` of the tokens (Devlin et al. 2019, with the higher share of Wettig et al. 2023).

    Returns:
        inputs and labels, both of the shape of ``ids``; labels are -100 where nothing was hidden.
    """
    draw = torch.rand(ids.shape, generator=generator)
    hidden = (draw < share) & (ids >= len(SPECIAL))
    how = torch.rand(ids.shape, generator=generator)
    inputs = torch.where(hidden & (how >= 2 * keep), mask_id, ids)
    other = torch.randint(len(SPECIAL), vocabulary, ids.shape, generator=generator)
    inputs = torch.where(hidden & (how < keep), other, inputs)
    return inputs, torch.where(hidden, ids, _UNMASKED)


def prepare(config: PretrainConfig, corpus: str, out: Path, init: Path | None) -> tuple[Tokenizer, Path]:
    """Tokenizer and packed corpus under ``out``, made once."""
    out.mkdir(parents=True, exist_ok=True)
    file, packed = out / "tokenizer.json", out / "tokens.bin"
    if not file.exists():
        if init:
            file.write_bytes((init / "tokenizer.json").read_bytes())
        else:
            sample = itertools.islice(read_documents(corpus), config.tokenizer["documents"])
            train_tokenizer(sample, config.tokenizer["vocabulary"]).save(str(file))
    tokenizer = Tokenizer.from_file(str(file))
    if not packed.exists():
        # No more than the run will see: the head of a corpus in order of worth is its best part.
        pack(read_documents(corpus), tokenizer, packed, limit=int(config.schedule["tokens"]))
        print(f"fertility {fertility(tokenizer, itertools.islice(read_documents(corpus), 200)):.3f} tokens a word")
    return tokenizer, packed


def build(config: PretrainConfig, vocabulary: int, init: Path | None) -> ModernBertForMaskedLM:
    """The network, from ``init`` where given, else from random weights."""
    if init:
        model: ModernBertForMaskedLM = ModernBertForMaskedLM.from_pretrained(init, dtype=torch.float32)
        return model
    e = config.encoder
    return ModernBertForMaskedLM(
        ModernBertConfig(
            vocab_size=vocabulary,
            hidden_size=e["hidden"],
            num_hidden_layers=e["layers"],
            num_attention_heads=e["heads"],
            intermediate_size=e["intermediate"],
            local_attention=e["local_attention"],
            layer_types=[
                "full_attention" if layer % e["global_every"] == 0 else "sliding_attention"
                for layer in range(e["layers"])
            ],
            max_position_embeddings=e["positions"],
            attention_dropout=0.0,  # dropout there takes the fused kernel away: 2.6 times slower on a CPU
            sparse_prediction=True,  # logits at hidden tokens only
            pad_token_id=0,
            bos_token_id=2,
            cls_token_id=2,
            eos_token_id=3,
            sep_token_id=3,
        )
    )


def optimizer(model: torch.nn.Module, config: PretrainConfig) -> torch.optim.AdamW:
    """AdamW; no decay on gains and biases."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.schedule["weight_decay"]},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.schedule["rate"], betas=(0.9, 0.98), eps=1e-6, fused=True)


def pretrain(corpus: str, out: Path, *, config: PretrainConfig, init: Path | None = None) -> Path:
    """Run to the end (or from where it stopped); returns the folder of the encoder.

    Args:
        init: a folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json`` to go on from.
    """
    accelerator = Accelerator(mixed_precision=config.run["precision"])
    if accelerator.is_main_process:
        prepare(config, corpus, out, init)
    accelerator.wait_for_everyone()
    tokenizer, packed = prepare(config, corpus, out, init)
    if accelerator.is_main_process:
        (out / "pretrain.json").write_text(json.dumps(dataclasses.asdict(config), indent=1), encoding="utf-8")
    set_seed(config.seed)
    model = build(config, tokenizer.get_vocab_size(), init)
    model, adam = accelerator.prepare(model, optimizer(model, config))
    plan, state = steps(config), out / "state"
    done = 0
    if (state / "step.json").exists():
        accelerator.load_state(str(state))
        done = json.loads((state / "step.json").read_text())["done"]
    seen, began = 0, time.monotonic()
    for step in plan[done:]:
        for group in adam.param_groups:
            group["lr"] = step.rate
        loss, tokens = _step(model, adam, accelerator, config, step, packed, tokenizer)
        seen += tokens
        if accelerator.is_main_process and (step.number % config.run["log_every"] == 0 or step is plan[-1]):
            line = {
                "step": step.number,
                "tokens": (step.number + 1) * int(config.schedule["batch"]),
                "loss": round(loss, 4),
                "rate": round(step.rate, 7),
                "length": step.length,
                "tokens_per_second": round(seen / (time.monotonic() - began)),
            }
            print(json.dumps(line), flush=True)
            with (out / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        if (step.number + 1) % config.run["save_every"] == 0 and step is not plan[-1]:
            _save_state(accelerator, state, step.number + 1)
    if accelerator.is_main_process:
        final = accelerator.unwrap_model(model).to(torch.float16)
        final.save_pretrained(out / "encoder")
        tokenizer.save(str(out / "encoder" / "tokenizer.json"))
    return out / "encoder"


def _step(
    model: torch.nn.Module,
    adam: torch.optim.Optimizer,
    accelerator: Accelerator,
    config: PretrainConfig,
    step: Step,
    packed: Path,
    tokenizer: Tokenizer,
) -> tuple[float, int]:
    """One update over ``batch`` tokens, shared out over processes and micro-batches."""
    rows = int(config.schedule["batch"]) // step.length
    ids = torch.from_numpy(Rows(packed, length=step.length, rows=rows, seed=config.seed).batch(step.number))
    ids = ids[accelerator.process_index :: accelerator.num_processes]
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step.number * 64 + accelerator.process_index)
    inputs, labels = mask(
        ids,
        share=config.objective["mask"],
        keep=config.objective["keep"],
        mask_id=SPECIAL.index("[MASK]"),
        vocabulary=tokenizer.get_vocab_size(),
        generator=generator,
    )
    size = max(int(config.run["micro_batch"]) // step.length, 1)
    parts = list(zip(inputs.split(size), labels.split(size), strict=True))
    total = 0.0
    model.train()
    for part_inputs, part_labels in parts:
        with accelerator.autocast():
            output = model(
                input_ids=part_inputs.to(accelerator.device),
                attention_mask=torch.ones_like(part_inputs, device=accelerator.device),
                labels=part_labels.to(accelerator.device),
            )
        share = float((part_labels != _UNMASKED).sum() / (labels != _UNMASKED).sum())
        accelerator.backward(output.loss * share)
        total += float(output.loss.detach()) * share
    accelerator.clip_grad_norm_(model.parameters(), config.schedule["clip"])
    adam.step()
    adam.zero_grad()
    mean = accelerator.reduce(torch.tensor(total, device=accelerator.device), reduction="mean")
    return float(mean), int(np.prod(ids.shape)) * accelerator.num_processes


def _save_state(accelerator: Accelerator, state: Path, done: int) -> None:
    """Beside, then renamed: a kill while saving leaves the last whole state."""
    beside, old = state.with_name("state.part"), state.with_name("state.old")
    accelerator.save_state(str(beside))
    if accelerator.is_main_process:
        (beside / "step.json").write_text(json.dumps({"done": done}))
        if state.exists():
            state.rename(old)
        beside.rename(state)
        for file in sorted(old.rglob("*"), reverse=True) if old.exists() else []:
            file.unlink()
        if old.exists():
            old.rmdir()
    accelerator.wait_for_everyone()
