"""Our own inference, measured in one process: windows through the network, its operations, and the stages around it."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from data.article import Article
from data.clean import clean
from data.errors import ArticleError
from data.sentences import split_sentences
from models.backends import cores
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from models.contract import Windows
from models.decision import decide, pool
from models.encoding import Encoded, Encoder
from models.evidence import evidence
from tests.bench.arithmetic import Sizes
from tests.bench.operations import GROUPS, grouped
from tests.bench.sample import sample

PIECE = 12  # articles given to the backend together
SAMPLE = 96  # articles in all
Rows = list[npt.NDArray[np.int64]]


@functools.cache
def loaded(folder: Path, precision: str, **changes: str) -> Classifier:
    """A checkpoint as it is served, but for properties of OpenVINO that are said otherwise here."""
    import openvino as ov

    class Core(ov.Core):  # type: ignore[misc]  # its types can't be seen
        def compile_model(self, model: Any, device: str, config: dict[str, str]) -> Any:
            return super().compile_model(model, device, config | changes)

    with patch.object(ov, "Core", Core):
        return Classifier.load(folder, precision=precision)


@functools.cache
def articles(folder: Path, source: Path | None, length: int = 0) -> list[tuple[Article, Encoded]]:
    """Articles that can be read, and their windows of ``length`` tokens (0: the checkpoint's)."""
    contract = Checkpoint.open(folder).contract
    if length:
        contract = dataclasses.replace(contract, windows=Windows(length, length // 8))
    encoder = Encoder(Tokenizer.from_file(str(folder / "tokenizer.json")), contract)
    found = []
    for item in sample(source, SAMPLE):
        try:
            found.append((item, encoder.encode(item)))
        except ArticleError:
            continue
    return found


def pieces(found: Sequence[tuple[Article, Encoded]]) -> Iterator[tuple[int, Rows]]:
    """How many articles, and their windows; from the first again when all were there."""
    for start in itertools.cycle(range(0, len(found), PIECE)):
        piece = found[start : start + PIECE]
        yield len(piece), [window.ids for _, encoded in piece for window in encoded.windows]


def infer(
    folder: Path, source: Path | None, precision: str, seconds: float, length: int = 0, **changes: str
) -> dict[str, float]:
    """Windows of real articles through the backend, for about so long: counts, GFLOP and seconds.

    ``seconds`` are by the clock, ``processor`` those of all threads; other programs disturb the latter less.
    """
    backend, sizes = loaded(folder, precision, **changes)._backend, Sizes.read(folder)
    backend.run([np.full(64, 5, dtype=np.int64)] * cores())
    sums = dict.fromkeys(("articles", "windows", "tokens", "linear", "attention", "seconds", "processor"), 0.0)
    for count, rows in pieces(articles(folder, source, length)):
        began, busy = time.perf_counter(), time.process_time()
        backend.run(rows)
        sums["seconds"] += time.perf_counter() - began
        sums["processor"] += time.process_time() - busy
        sums["articles"] += count
        sums["windows"] += len(rows)
        sums["tokens"] += sum(len(row) for row in rows)
        sums["linear"] += sum(sizes.linear(len(row)) for row in rows) / 1e9
        sums["attention"] += sum(sizes.attention(len(row)) for row in rows) / 1e9
        if sums["seconds"] >= seconds:
            return sums
    raise ValueError("no article can be read")


def profile(folder: Path, source: Path | None, precision: str, seconds: float) -> dict[str, Any]:
    """Where the network's time goes: seconds of all threads for each group of operations.

    Returns:
        ``groups``; ``threads``, the seconds of all threads together, in and between the nodes; ``linear`` and
        ``attention``, GFLOP.
    """
    backend: Any = loaded(folder, precision, PERF_COUNT="YES")._backend
    sizes, groups, whole, linear, attention = Sizes.read(folder), dict.fromkeys(GROUPS, 0.0), 0.0, 0.0, 0.0
    streams = backend._requests.qsize()

    def one(ids: npt.NDArray[np.int64]) -> tuple[float, list[Any]]:
        request = backend._requests.get()
        began = time.perf_counter()
        request.infer({"input_ids": ids[None], "attention_mask": np.ones((1, len(ids)), dtype=np.int64)})
        taken, nodes = time.perf_counter() - began, request.profiling_info
        backend._requests.put(request)
        return taken, nodes

    with ThreadPoolExecutor(streams) as pool_:
        for _, rows in pieces(articles(folder, source)):
            for taken, nodes in list(pool_.map(one, rows)):  # all of them first: the looking takes time too
                whole += taken
                named = [(node.node_type, node.node_name, node.real_time.total_seconds()) for node in nodes]
                groups = {name: groups[name] + spent for name, spent in grouped(named).items()}
            linear += sum(sizes.linear(len(row)) for row in rows) / 1e9
            attention += sum(sizes.attention(len(row)) for row in rows) / 1e9
            if whole >= seconds * streams:
                break
    return {"groups": groups, "threads": whole, "linear": linear, "attention": attention}


def stages(folder: Path, source: Path | None, precision: str, seconds: float) -> dict[str, float]:
    """Seconds an article of what ``Classifier.classify`` does around the network, on one thread; and of it whole."""
    classifier = loaded(folder, precision)
    encoder, contract = classifier._encoder, classifier.contract
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    sums = dict.fromkeys(("clean", "split", "tokenise", "encode", "network", "decide", "evidence", "classify"), 0.0)
    found, done = articles(folder, source), 0

    def timed(name: str, began: float) -> float:
        now = time.perf_counter()
        sums[name] += now - began
        return now

    for start in itertools.cycle(range(0, len(found), PIECE)):
        piece = [item for item, _ in found[start : start + PIECE]]
        for item in piece:
            began = time.perf_counter()
            cleaned = clean(item.text)
            began = timed("clean", began)
            texts = [(text, split_sentences(text)) for text in (item.title, cleaned.text)]
            began = timed("split", began)
            pieces_ = [text[first:last] for text, spans in texts for first, last in spans]
            tokenizer.encode_batch(pieces_, add_special_tokens=False)
            timed("tokenise", began)
        began = time.perf_counter()
        encoded = [encoder.encode(item) for item in piece]
        began = timed("encode", began)
        heads = classifier._backend.run([window.ids for one in encoded for window in one.windows])
        began = timed("network", began)
        left = iter(heads)
        pooled = [pool(one, list(itertools.islice(left, len(one.windows)))) for one in encoded]
        for whole in pooled:
            decide(whole, contract)
        began = timed("decide", began)
        for one, whole in zip(encoded, pooled, strict=True):
            for k in range(len(contract.taxonomy.topics)):
                evidence(one, whole.attention[:, k], contract.evidence)
        began = timed("evidence", began)
        classifier.classify(piece)
        timed("classify", began)
        done += len(piece)
        if sums["encode"] + sums["network"] + sums["classify"] >= seconds:
            return {name: taken / done for name, taken in sums.items()}
    raise ValueError("no article can be read")
