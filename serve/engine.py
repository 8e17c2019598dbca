"""The loaded model behind the server: not ready, ready, or failed, and why."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from typing import Any

from data.errors import CheckpointError, ConfigError, WijhaError
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from models.selftest import run_selftest
from serve.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that passed its self-test.

    Attributes:
        card: the model card, Markdown; empty where the folder has none.
    """

    checkpoint: Checkpoint
    classifier: Classifier
    metrics: dict[str, Any]
    card: str


class Engine:
    """Loads in a thread of its own, so that the server answers ``/health/live`` from the first moment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: Loaded | None = None
        self._missing = _failure(CheckpointError("loading", "the model is being loaded"))

    def start(self) -> None:
        threading.Thread(target=self._load, name="load", daemon=True).start()

    @property
    def loaded(self) -> Loaded:
        """The model.

        Raises:
            CheckpointError: ``loading`` while it is not there yet, or what went wrong.
        """
        if self._loaded is not None:
            return self._loaded
        kind, code, message, where = self._missing
        raise kind(code, message, where=where)

    def _load(self) -> None:
        try:
            self._loaded = load(self._settings)
            checkpoint = self._loaded.checkpoint
            _log.info("ready", extra={"fields": {"model": checkpoint.name, "digest": checkpoint.digest}})
        except WijhaError as error:
            self._missing = _failure(error)
            _log.error("not ready: %s", error)
        except Exception as error:  # noqa: BLE001 - the thread's last line: a server that is not ready must say why
            self._missing = _failure(ConfigError("load_failed", f"{type(error).__name__}: {error}"))
            _log.error("not ready: %s", type(error).__name__, exc_info=error)


def _failure(error: WijhaError) -> tuple[type[WijhaError], str, str, str]:
    """What a fresh error is made of: one object raised again and again collects the frames of every request."""
    return type(error), error.code, error.message, error.where


def load(settings: Settings) -> Loaded:
    """Open, verify, compile, self-test.

    Raises:
        CheckpointError, ConfigError: what is wrong with the folder or the runtime.
    """
    checkpoint = Checkpoint.open(settings.checkpoint)
    classifier = Classifier.load(
        checkpoint,
        backend=settings.backend,
        precision=settings.precision or None,
        streams=settings.share,
    )
    run_selftest(checkpoint.folder, classifier)
    metrics = json.loads((checkpoint.folder / "metrics.json").read_text(encoding="utf-8"))
    card = checkpoint.folder / "README.md"
    return Loaded(checkpoint, classifier, metrics, card.read_text(encoding="utf-8") if card.is_file() else "")
