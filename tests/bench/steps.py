"""Training steps of ours and of the transformers example scripts, each for some seconds in a process of its own.

All start from the bundled encoder and read the same articles. The scripts are stood in for by what their users get
from them: a ``Trainer`` with the arguments' defaults, the model class of the task and the collator of the script.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from data.article import Article, Label, LabelledArticle
from data.sentences import split_sentences
from data.taxonomy import Taxonomy
from models.backends import cores
from tests.bench.resident import most_since
from tests.bench.sample import sample

ARTICLES = 400  # read by everyone
WARM = 1  # steps that don't count: kernels are made, memory is first touched
ROW = 512  # tokens a row
MASKED = 0.3  # share of the tokens that is hidden in pretraining; the script's own 0.15 is another task
PER_STEP = 8  # rows of a pretraining step: the script's default batch


class Enough(Exception):  # noqa: N818 - no error
    """It went on for long enough."""


class Steps:
    """When each step began and what it took in."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.began: list[float] = []
        self.busy: list[float] = []
        self.tokens: list[int] = []
        self.cells: list[int] = []

    def step(self, tokens: int, cells: int) -> None:
        """A step of so many tokens begins, in so many places, padding included.

        Raises:
            Enough: the seconds are up.
        """
        self.began.append(time.perf_counter())
        self.busy.append(time.process_time())
        if len(self.began) > WARM + 1 and self.began[-1] - self.began[WARM] >= self._seconds:
            raise Enough
        self.tokens.append(tokens)
        self.cells.append(cells)

    def rate(self) -> dict[str, float]:
        """Tokens a second from the first step that counts to the beginning of the last, which doesn't.

        Returns:
            also ``processor``, milliseconds of all threads for a thousand tokens, and the share of padding.
        """
        taken, busy = (times[-1] - times[WARM] for times in (self.began, self.busy))
        counted = slice(WARM, len(self.began) - 1)
        tokens, cells = sum(self.tokens[counted]), sum(self.cells[counted])
        return {
            "rate": tokens / taken,
            "processor": 1e6 * busy / tokens,
            "padding": 1 - tokens / cells,
            "steps": len(self.began) - 1 - WARM,
        }


def run(name: str, source: Path | None, folder: Path, seconds: float) -> dict[str, float]:
    """Let one of ``CONTENDERS`` train in ``folder``; see ``Steps.rate``, and megabytes at the most."""
    import torch
    from transformers import Trainer
    from transformers.utils import logging

    torch.set_num_threads(cores())
    logging.set_verbosity_error()
    steps, original = Steps(seconds), Trainer.training_step

    def training_step(self: Any, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Any:
        mask = inputs["attention_mask"]
        steps.step(int(mask.sum()), mask.numel())
        return original(self, model, inputs, *rest, **named)

    articles = sample(source, ARTICLES)
    with (
        patch.object(Trainer, "training_step", training_step),
        Path(os.devnull).open("w", encoding="utf-8") as nothing,
        contextlib.redirect_stdout(nothing),
        contextlib.redirect_stderr(nothing),
        contextlib.suppress(Enough),
    ):
        CONTENDERS[name](articles, folder, steps)
    return {**steps.rate(), "memory": most_since()}


def labelled(articles: Sequence[Article], taxonomy: Taxonomy) -> Iterator[LabelledArticle]:
    """With labels by their number: it is speed that is measured."""
    for number, item in enumerate(articles):
        spans = tuple(split_sentences(item.text)[:1])
        labels = {}
        for k, topic in enumerate(taxonomy.ids):
            relevant = (number + k) % 2 == 0
            stance = taxonomy.stances[number % len(taxonomy.stances)] if relevant and taxonomy.stances else None
            labels[topic] = Label(relevant, stance, spans if relevant else None)
        yield LabelledArticle(item, labels, event=str(number))


def _base() -> Path:
    from train.base import find_base
    from train.config import read_config

    return Path(find_base(read_config().encoder.base))


def _encoder() -> Any:
    from tokenizers import Tokenizer

    from models.contract import Calibration, Contract, Windows
    from models.encoding import Encoder
    from train.config import read_config

    taxonomy, settings = Taxonomy.read(), read_config().encoder
    calibration = tuple(Calibration() for _ in taxonomy.topics)
    contract = Contract(taxonomy, Windows(settings.window, settings.overlap), calibration)
    return Encoder(Tokenizer.from_file(str(_base() / "tokenizer.json")), contract)


def _finetune_ours(articles: Sequence[Article], folder: Path, steps: Steps) -> None:
    del steps  # the Trainer's steps are counted
    from models.network import build_network
    from train.batches import make_examples
    from train.config import read_config
    from train.loop import fit

    config, taxonomy = read_config(), Taxonomy.read()
    examples = make_examples(list(labelled(articles, taxonomy)), _encoder(), taxonomy)
    size = len(taxonomy.topics), len(taxonomy.stances)
    network = build_network(_base(), topics=size[0], stances=size[1], dropout=config.optimizer.dropout)
    fit(network, examples, config, folder)


def _tokenizer() -> Any:
    from transformers import PreTrainedTokenizerFast

    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    return PreTrainedTokenizerFast(tokenizer_file=str(_base() / "tokenizer.json"), **special)


def _trainer(model: Any, rows: list[dict[str, Any]], collator: Any, folder: Path, batch: int, *, bf16: bool) -> None:
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=batch,
        num_train_epochs=100,
        bf16=bf16,
        use_cpu=True,
        report_to=[],
        dataloader_pin_memory=False,
    )
    Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator).train()


def _finetune_script(articles: Sequence[Article], folder: Path, steps: Steps, *, bf16: bool) -> None:
    """The windows are its articles; as many of them make a batch as our eight articles have on average."""
    del steps
    import torch
    from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding

    from train.config import read_config

    encoder = _encoder()
    windows = [window.ids.tolist() for item in articles for window in encoder.encode(item).windows]
    rows = [{"input_ids": ids, "attention_mask": [1] * len(ids), "labels": n % 3} for n, ids in enumerate(windows)]
    batch = round(read_config().optimizer.batch * len(windows) / len(articles))
    model = AutoModelForSequenceClassification.from_pretrained(_base(), num_labels=3, dtype=torch.float32)
    _trainer(model, rows, DataCollatorWithPadding(_tokenizer()), folder, batch, bf16=bf16)


def _pretrain_ours(articles: Sequence[Article], folder: Path, steps: Steps) -> None:
    from train import pretrain
    from train.schedule import PretrainConfig

    corpus, changes = folder / "corpus.jsonl", folder / "bench.toml"
    with corpus.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"title": item.title, "text": item.text}) + "\n" for item in articles)
    batch, original = ROW * PER_STEP, pretrain._step
    changes.write_text(
        f"[objective]\nmask = {MASKED}\n[run]\nmicro_batch = {batch}\n"
        f"[schedule]\nbatch = {batch}\ntokens = {1000 * batch}\nlengths = [[{ROW}, 1.0]]\n"
    )

    def step(model: Any, adam: Any, accelerator: Any, config: Any, inputs: Any, *hidden: Any) -> Any:
        steps.step(inputs.numel(), inputs.numel())
        return original(model, adam, accelerator, config, inputs, *hidden)

    with patch.object(pretrain, "_step", step):
        pretrain.pretrain(str(corpus), folder / "out", config=PretrainConfig.read(changes), init=_base())


def _pretrain_script(articles: Sequence[Article], folder: Path, steps: Steps, *, bf16: bool, lines: bool) -> None:
    """``lines``: an article is a row, cut or padded to the row's length; else all are joined and cut into rows."""
    del steps
    import torch
    from transformers import DataCollatorForLanguageModeling, ModernBertForMaskedLM

    tokenizer = _tokenizer()
    texts = [f"{item.title}\n{item.text}" for item in articles]
    if lines:
        rows = [tokenizer(text, truncation=True, padding="max_length", max_length=ROW) for text in texts]
    else:
        ids = list(itertools.chain.from_iterable(tokenizer(texts)["input_ids"]))
        cut = [ids[start : start + ROW] for start in range(0, len(ids) - ROW + 1, ROW)]
        rows = [{"input_ids": row, "attention_mask": [1] * ROW} for row in cut]
    model = ModernBertForMaskedLM.from_pretrained(_base(), dtype=torch.float32)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=MASKED)
    _trainer(model, rows, collator, folder, PER_STEP, bf16=bf16)


CONTENDERS: dict[str, Callable[[Sequence[Article], Path, Steps], None]] = {
    "fine-tuning, ours (bf16)": _finetune_ours,
    "fine-tuning, Trainer (float32)": functools.partial(_finetune_script, bf16=False),
    "fine-tuning, Trainer (bf16)": functools.partial(_finetune_script, bf16=True),
    "pretraining, ours (bf16)": _pretrain_ours,
    "pretraining, Trainer (float32)": functools.partial(_pretrain_script, bf16=False, lines=False),
    "pretraining, Trainer (bf16)": functools.partial(_pretrain_script, bf16=True, lines=False),
    "pretraining, Trainer (bf16, line by line)": functools.partial(_pretrain_script, bf16=True, lines=True),
}
