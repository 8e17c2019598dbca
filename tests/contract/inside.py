"""A server inside the test's own process, and what it counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from models.checkpoint import Checkpoint
from serve.app import create_app
from serve.settings import Settings
from tests.conftest import SENTENCES

ARTICLE = {"title": "خَبَرٌ عاجـــل ٢٠٢٤", "text": "\u200f" + "\n".join(SENTENCES) + " UNSMIL 2024"}


@contextmanager
def inside(checkpoint: Checkpoint, folder: Path) -> Iterator[TestClient]:
    """A client of a server that is ready, with its jobs below ``folder``."""
    settings = Settings(checkpoint=checkpoint.folder, jobs_folder=folder / "jobs", max_articles=5)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        while client.get("/health/ready").json().get("code") == "loading":
            pass
        yield client


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Name and label values of each sample, buckets left out."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels
    }


def metrics(client: TestClient) -> dict[tuple[str, ...], float]:
    return samples(client.get("/metrics").text)
