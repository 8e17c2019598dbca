"""Kills a run of ``score_table`` again and again, in a process of its own that imports no torch and starts no threads.

    python -m tests.contract.cut_off CHECKPOINT FOLDER TARGET KILLS SEED

A run that was killed is started again, and after each tenth kill it is left alone until it ends. Prints one line of
JSON: kills, those that left something to go on with, runs that ended, different outputs among them, files left over.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.article import Article
from data.errors import ArticleError
from models.checkpoint import Checkpoint
from models.classifier import Answer, TopicAnswer
from models.contract import Contract
from models.decision import Decision
from models.evidence import Evidence
from serve.scoring import score_table
from serve.work import work_folder


class Slow:
    """Answers that depend on the text alone, a millisecond each; counts what it is asked."""

    def __init__(self, contract: Contract, pause: float = 0.001) -> None:
        self.contract, self.asked, self._pause = contract, 0, pause

    def classify(self, articles: Sequence[Article]) -> list[Answer | ArticleError]:
        self.asked += len(articles)
        time.sleep(self._pause * len(articles))
        return [self._answer(a) if a.text.strip() else ArticleError("empty_text", "nothing") for a in articles]

    def _answer(self, article: Article) -> Answer:
        seed = random.Random(article.title + article.text)
        shown = Evidence(0, 5, article.text[:5], seed.random())
        topics = []
        for topic in self.contract.taxonomy.ids:
            chances = (seed.random() / 3, seed.random() / 3, seed.random() / 3)
            relevant = seed.choice([True, False, None])
            stance = self.contract.taxonomy.stances[0] if relevant else None
            decision = Decision(seed.random(), relevant, chances, stance, abstained=relevant is None)
            topics.append(TopicAnswer(topic, decision, 0.5, (shown,) if relevant else ()))
        nothing: Any = None
        return Answer(article.id, tuple(topics), 1, 9, ("very_short",), article.text, nothing)


def main(folder: Path, source: Path, target: Path, kills: int, seed: int) -> dict[str, Any]:
    """See above."""
    checkpoint = Checkpoint.open(folder)
    chance = random.Random(seed)
    slow: Any = Slow(checkpoint.contract)
    score_table([source], target, slow, checkpoint=checkpoint)
    outputs = {_taken(target)}
    began = time.monotonic()  # the second time, when all is imported
    score_table([source], target, slow, checkpoint=checkpoint)
    whole = time.monotonic() - began
    outputs.add(_taken(target))
    killed = unfinished = 0
    ended = 1
    while killed < kills:
        child = os.fork()
        if not child:
            score_table([source], target, slow, checkpoint=checkpoint)
            os._exit(0)
        time.sleep(chance.random() * whole / 2)
        done, _ = os.waitpid(child, os.WNOHANG)
        if not done:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            killed += 1
        unfinished += work_folder(target).exists()
        if killed % 10 == 0 and work_folder(target).exists():
            score_table([source], target, slow, checkpoint=checkpoint)
        if target.exists() and not work_folder(target).exists():
            ended += 1
            outputs.add(_taken(target))
    left = sorted(p.name for p in target.parent.iterdir() if p != source)
    return {"killed": killed, "ended": ended, "unfinished": unfinished, "outputs": len(outputs), "left": left}


def _taken(target: Path) -> str:
    found = hashlib.sha256(target.read_bytes()).hexdigest()
    target.unlink()
    return found


if __name__ == "__main__":
    _, where, table, out, count, start = sys.argv
    print(json.dumps(main(Path(where), Path(table), Path(out), int(count), int(start))))
