"""One contender scores the same texts over and over, in a process of its own: ``python score.py JOB.json``.

Runs in the contender's environment, and so imports nothing of the project, but for ours. JOB has ``kind``, ``folder``,
``texts`` (a list of articles, each a list of its windows' texts), ``articles`` (``[title, text]``), ``seconds``,
``threads`` and ``began`` (``time.time()`` of the start). Prints one line of JSON:

    load        seconds from the start of Python to the first answer
    seconds     of the whole passes over all articles, as many as fill the time asked for
    processor   seconds, of all cores, of the same
    passes      how many
    peak        most resident memory, MB
    scores      of the first text, to compare
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Job = dict[str, Any]
Scores = list[list[float]]
Contender = tuple[Callable[[Any], Scores], list[Any]]  # scores texts (or articles); all that there are
LENGTH = 512


def flat(job: Job) -> list[str]:
    """The texts of all windows of all articles."""
    return [text for windows in job["texts"] for text in windows]


def pipe(job: Job, batch: int = 1, whole: bool = True) -> Contender:
    """As the documentation of transformers shows it; not ``whole``: what does not fit into 512 tokens is not read."""
    import torch
    from transformers import pipeline

    torch.set_num_threads(job["threads"])
    model: Any = pipeline("text-classification", model=job["folder"], top_k=None, device="cpu")
    texts = flat(job) if whole else [f"{title}\n{text}" for title, text in job["articles"]]

    def run(texts: list[str]) -> Scores:
        answers = model(texts, batch_size=batch, truncation=True)
        return [[score["score"] for score in sorted(answer, key=_place)] for answer in answers]

    return run, texts


def _place(score: dict[str, Any]) -> int:
    return int(score["label"].rpartition("_")[2])


def eager(job: Job, batch: int = 16) -> Contender:
    """torch by hand: bfloat16 autocast, texts of like length together."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(job["threads"])
    tokenizer = AutoTokenizer.from_pretrained(job["folder"])
    model = AutoModelForSequenceClassification.from_pretrained(job["folder"]).eval()

    def run(texts: list[str]) -> Scores:
        rows = tokenizer(texts, truncation=True, max_length=LENGTH)["input_ids"]
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        answers: Scores = [[] for _ in rows]
        for start in range(0, len(rows), batch):
            places = order[start : start + batch]
            given = tokenizer.pad({"input_ids": [rows[place] for place in places]}, return_tensors="pt")
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                scores = model(**given).logits.float().sigmoid().tolist()
            for place, score in zip(places, scores, strict=True):
                answers[place] = score
        return answers

    return run, flat(job)


def onnx(job: Job, graph: str = "model.onnx", each: bool = False) -> Contender:
    """ONNX Runtime, unpadded: a window at a time on all cores, or (``each``) a window on each core."""
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1 if each else job["threads"]
    pool = ThreadPoolExecutor(job["threads"] if each else 1)
    session = onnxruntime.InferenceSession(f"{job['folder']}/{graph}", options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(f"{job['folder']}/tokenizer.json")
    tokenizer.enable_truncation(LENGTH)

    def one(row: list[int]) -> list[float]:
        ids = np.array([row])
        (logits,) = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        scores: list[float] = (1 / (1 + np.exp(-logits[0]))).tolist()
        return scores

    def run(texts: list[str]) -> Scores:
        return list(pool.map(one, [row.ids for row in tokenizer.encode_batch(texts)]))

    return run, flat(job)


def infinity(job: Job) -> Contender:
    """infinity-emb's engine, without its server."""
    from infinity_emb import AsyncEmbeddingEngine, EngineArgs

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()  # its queues want a loop that never rests

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    engine = AsyncEmbeddingEngine.from_args(
        EngineArgs(model_name_or_path=job["folder"], engine="torch", device="cpu", model_warmup=False)
    )
    wait(engine.astart())

    def run(texts: list[str]) -> Scores:
        answers, _ = wait(engine.classify(sentences=texts, raw_scores=False))
        return [[score["score"] for score in sorted(answer, key=_place)] for answer in answers]

    return run, flat(job)


def ours(job: Job, precision: str) -> Contender:
    """The project's own classifier, as ``score`` calls it."""
    from data.article import Article
    from models.classifier import Answer, Classifier

    classifier = Classifier.load(Path(job["folder"]), precision=precision)

    def run(articles: list[Article]) -> Scores:
        answers = [answer for answer in classifier.classify(articles) if isinstance(answer, Answer)]
        if len(answers) < len(articles):
            raise SystemExit("an article was not answered")
        return [[topic.decision.probability for topic in answer.topics] for answer in answers]

    return run, [Article(str(i), title, text) for i, (title, text) in enumerate(job["articles"])]


KINDS: dict[str, Callable[[Job], Contender]] = {
    "pipeline": pipe,
    "pipeline-16": lambda job: pipe(job, 16),
    "pipeline-512": lambda job: pipe(job, whole=False),
    "torch-bf16": eager,
    "onnx-f32": onnx,
    "onnx-int8": lambda job: onnx(job, "int8.onnx"),
    "onnx-int8-each": lambda job: onnx(job, "int8.onnx", each=True),
    "infinity": infinity,
    "ours-f32": lambda job: ours(job, "f32"),
    "ours-bf16": lambda job: ours(job, "bf16"),
    "ours-int8": lambda job: ours(job, "int8"),
}


def peak() -> float:
    """Most resident memory so far, MB; what the parent held before is not counted where the system tells them apart."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main(path: str) -> None:
    """See above."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    run, everything = KINDS[job["kind"]](job)
    scores = run(everything[:1])[0]
    load = time.time() - job["began"]
    run(everything[: job["warm"]])
    passes, began, used = 0, time.perf_counter(), time.process_time()
    while not passes or time.perf_counter() - began < job["seconds"]:
        run(everything)
        passes += 1
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    found = {"load": load, "seconds": seconds, "processor": processor, "passes": passes, "peak": peak()}
    print(json.dumps({**found, "scores": scores}), flush=True)
    os._exit(0)  # some engines' threads would not end


if __name__ == "__main__":
    main(sys.argv[1])
