"""What the server says of itself: health, model, topics."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from serve.door import Door
from serve.problems import RequestError
from serve.schema import Name, TopicInfo

_LIMITS = ("max_body_bytes", "max_articles", "max_characters", "max_waiting", "timeout")


def mount_about(app: FastAPI, door: Door) -> None:
    """Add ``/health/live``, ``/health/ready``, ``/model`` and ``/topics``."""

    @app.head("/health/live", include_in_schema=False)  # as some monitors ask
    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @app.head("/health/ready", include_in_schema=False)
    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        """The model is loaded and passed its self-test, and the server is not about to stop (503 otherwise)."""
        if door.gate.draining:
            raise RequestError(503, "draining", "the server is about to stop")
        return {"status": "ready", "model": door.engine.loaded.checkpoint.name}

    @app.get("/model")
    async def model() -> dict[str, Any]:
        """The loaded checkpoint: digest, contract, measured quality, model card, and this server's limits."""
        loaded = door.engine.loaded
        return {
            "digest": loaded.checkpoint.digest,
            **{key: value for key, value in loaded.checkpoint.manifest.items() if key != "files"},
            "metrics": loaded.metrics,
            "card": loaded.card,
            "limits": {name: getattr(door.settings, name) for name in _LIMITS},
        }

    @app.get("/topics")
    async def topics() -> list[TopicInfo]:
        """The topics, in the order of every answer."""
        contract = door.engine.loaded.classifier.contract
        return [
            TopicInfo(
                id=t.id,
                name=Name(ar=t.ar, en=t.en),
                target=t.target,
                threshold=c.threshold,
                stances=list(contract.taxonomy.stances),
            )
            for t, c in zip(contract.taxonomy.topics, contract.calibration, strict=True)
        ]
