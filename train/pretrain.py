"""Pretrain the compact Arabic encoder by masked language modelling.

    python -m train pretrain --corpus CORPUS --out runs/encoder [--config C.toml] [--init FOLDER]

The run is resumable to the step: kill it and give the same command again. Batches and masks are a pure function
of the seed and the step, so the interrupted run sees the same text, on however many processes. One GPU, several
(``accelerate launch``) or the CPU take the same code. ``log.jsonl`` beside the weights holds step, tokens, loss
and rate.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from accelerate.accelerator import Accelerator
from accelerate.utils.random import set_seed
from tokenizers import Tokenizer

from data.documents import read_documents
from data.errors import ConfigError
from train.base import find_compiler
from train.masked_network import MaskedLoss, new_network, read_network, read_tokenizer
from train.masking import UNMASKED, mask, ordinary_ids
from train.packing import Rows, pack
from train.schedule import PretrainConfig as PretrainConfig
from train.schedule import steps
from train.tokenizer import fertility, train_tokenizer
from train.word_vectors import find_word2vec, start_from, write_vectors


def make_tokenizer(config: PretrainConfig, corpus: str, init: Path | None) -> Tokenizer:
    """The tokenizer of ``init`` where given, else one trained on the head of ``corpus``."""
    if init:
        return read_tokenizer(init)
    sample = itertools.islice(read_documents(corpus), config.tokenizer["documents"])
    return train_tokenizer(sample, config.tokenizer["vocabulary"])


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

    Raises:
        ConfigError: ``other_run`` where ``out`` holds a run of other settings ([run] may change), ``no_encoder``
            where ``init`` is of no use, ``bad_value`` where the processes can't share a batch out evenly,
            ``diverged`` where a weight is not a finite number at the end, ``no_gensim`` where word2vec can't be had.
        DataError: ``source_missing``, ``bad_line``, ``small_corpus``.
    """
    seal, encoder, state = out / "pretrain.json", out / "encoder", out / "state"
    settings = {"corpus": str(corpus), "init": str(init or "")} | dataclasses.asdict(config)
    ready = seal.exists()
    _same_run(out, json.loads(seal.read_text(encoding="utf-8")) if ready else {}, settings)
    if encoder.exists():
        return encoder
    accelerator = Accelerator(mixed_precision=config.run["precision"])
    plan = steps(config)
    if any(config.schedule["batch"] // step.length % accelerator.num_processes for step in plan):
        # a process with a row less may have a micro-batch less, and the others would wait for it for ever
        message = f"rows for {accelerator.num_processes} processes are wanted at every length"
        raise ConfigError("bad_value", message, where="schedule.batch")
    file, packed, vectors = out / "tokenizer.json", out / "tokens.bin", out / "vectors.npz"
    passes = 0 if init else config.encoder["word2vec"]
    if passes and not ready:
        find_word2vec()  # before the hours of a tokenizer
    if accelerator.is_main_process:
        out.mkdir(parents=True, exist_ok=True)
        if not ready:
            make_tokenizer(config, corpus, init).save(str(file))
        if not state.exists() and state.with_name("state.old").exists():
            state.with_name("state.old").rename(state)  # killed between the two renames of a save
    accelerator.wait_for_everyone()
    tokenizer = Tokenizer.from_file(str(file))
    set_seed(config.seed)
    network = read_network(init, tokenizer) if init else new_network(config.encoder, tokenizer.get_vocab_size())
    network.set_attn_implementation(config.run["attention"])
    model, adam = accelerator.prepare(MaskedLoss(network), optimizer(network, config))
    if config.run["compile"]:
        find_compiler()
        model.compile(dynamic=False)  # a phase of other lengths is compiled anew, and not for all lengths at once
    batch = config.schedule["batch"]
    if accelerator.is_main_process and not ready:
        # No more than the run will see: the head of a corpus in order of worth is its best part.
        pack(read_documents(corpus), tokenizer, packed, least=batch, limit=len(plan) * batch)
        if passes:
            sep, size = tokenizer.get_vocab()["[SEP]"], config.encoder["hidden"]
            write_vectors(packed, vectors, sep=sep, size=size, passes=passes, seed=config.seed)
        print(f"fertility {fertility(tokenizer, itertools.islice(read_documents(corpus), 200)):.3f} tokens a word")
    accelerator.wait_for_everyone()
    done = 0
    if state.exists():
        accelerator.load_state(str(state))
        done = json.loads((state / "step.json").read_text())["done"]
    elif passes:
        start_from(vectors, network.model.embeddings.tok_embeddings.weight)
    if accelerator.is_main_process:
        _write(seal, json.dumps(settings, indent=1))
        _rewind(out / "log.jsonl", done)
    rows = {
        phase: Rows(packed, length=length, block=config.block, batch=batch, phase=phase, seed=config.seed)
        for phase, length in {step.phase: step.length for step in plan[done:]}.items()
    }
    device = accelerator.device
    ordinary, mask_id = ordinary_ids(tokenizer).to(device), tokenizer.get_vocab()["[MASK]"]
    seen, began = 0, time.monotonic()
    for step in plan[done:]:
        for group in adam.param_groups:
            group["lr"] = step.rate
        hidden = mask(  # whole on every process: each takes its rows of it
            torch.from_numpy(rows[step.phase].batch(step.number)).to(device),
            share=config.objective["mask"],
            keep=config.objective["keep"],
            mask_id=mask_id,
            ordinary=ordinary,
            generator=torch.Generator(device).manual_seed(config.seed * 1_000_003 + step.number),
        )
        loss = _step(model, adam, accelerator, config, *hidden)
        seen += batch
        if step.number % config.run["log_every"] == 0 or step is plan[-1]:
            value = float(accelerator.reduce(loss, reduction="mean"))  # here alone a GPU is waited for
            if accelerator.is_main_process:
                line = {
                    "step": step.number,
                    "tokens": (step.number + 1) * batch,
                    "loss": round(value, 4),
                    "rate": round(step.rate, 7),
                    "length": step.length,
                    "tokens_per_second": round(seen / (time.monotonic() - began)),
                }
                print(json.dumps(line), flush=True)
                with (out / "log.jsonl").open("a", encoding="utf-8") as log:
                    log.write(json.dumps(line) + "\n")
        if (step.number + 1) % config.run["save_every"] == 0 and step is not plan[-1]:
            _save_state(accelerator, state, step.number + 1)
    if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
        raise ConfigError(
            "diverged",
            f"weights are not numbers any more: a lower rate, in another folder than {out}",
            where="schedule.rate",
        )
    if accelerator.is_main_process:
        beside = encoder.with_name("encoder.part")
        network.half().save_pretrained(beside)
        tokenizer.save(str(beside / "tokenizer.json"))
        shutil.rmtree(encoder, ignore_errors=True)
        beside.rename(encoder)
    accelerator.wait_for_everyone()
    return encoder


def _step(
    model: torch.nn.Module,
    adam: torch.optim.Optimizer,
    accelerator: Accelerator,
    config: PretrainConfig,
    inputs: torch.Tensor,
    places: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """One update over a batch (R, T), shared out over processes and micro-batches.

    Returns:
        Of the losses of this process its part of the batch's mean, times the number of processes.
    """
    processes = accelerator.num_processes
    count = (labels != UNMASKED).sum() / processes  # gradients and losses are averaged over the processes
    size = max(config.run["micro_batch"] // inputs.shape[1], 1)
    mine = slice(accelerator.process_index, None, processes)
    total = torch.zeros((), device=accelerator.device)
    model.train()
    for part in zip(*(of[mine].split(size) for of in (inputs, places, labels)), strict=True):
        with accelerator.autocast():
            loss = model(*part) / count
        accelerator.backward(loss)
        total += loss.detach()
    accelerator.clip_grad_norm_(model.parameters(), config.schedule["clip"])
    adam.step()
    adam.zero_grad()
    return total


def _same_run(out: Path, before: dict[str, Any], settings: dict[str, Any]) -> None:
    """Refuse another run's folder: what it holds would pass for this one's."""
    other = [name for name, value in settings.items() if name != "run" and before.get(name) != value]
    if other and (before or any((out / name).exists() for name in ("state", "state.old", "encoder"))):
        message = f"{out} holds a run with other settings; give another folder, or remove it"
        raise ConfigError("other_run", message, where=", ".join(other))


def _rewind(log: Path, done: int) -> None:
    """Drop what was logged after the last whole state: those steps come again."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    _write(log, "".join(line for line in lines if line.endswith("}\n") and json.loads(line)["step"] < done))


def _write(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    beside.rename(path)


def _save_state(accelerator: Accelerator, state: Path, done: int) -> None:
    """Beside, then renamed: a kill while saving leaves the last whole state, as ``state`` or ``state.old``."""
    beside, old = state.with_name("state.part"), state.with_name("state.old")
    accelerator.save_state(str(beside))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        (beside / "step.json").write_text(json.dumps({"done": done}))
        if state.exists():
            shutil.rmtree(old, ignore_errors=True)
            state.rename(old)
        beside.rename(state)
        shutil.rmtree(old, ignore_errors=True)
    accelerator.wait_for_everyone()
