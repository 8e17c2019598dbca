"""What a client of jobs does: sends a table and waits for what comes of it."""

import time
from collections.abc import Callable
from typing import Any

from tests.conftest import article

NAME = "مقالات_٢٠٢٤ أيّار.csv"


def table(rows: int) -> bytes:
    lines = ["التاريخ;العنوان;النص"]
    lines += [f'{i % 28 + 1}/٠٥/٢٠٢٤;{article(i).title};"{article(i, 2 + i % 5).text}"' for i in range(rows)]
    return "\n".join(lines).encode()


def send(client: Any, content: bytes, **query: Any) -> Any:
    response = client.post("/jobs", params={"name": NAME, **query}, content=content)
    assert response.status_code == 202, response.text
    job = response.json()
    assert response.headers["location"] == f"/jobs/{job['id']}"
    return job


def until(seen: Callable[[], Any], seconds: float = 60) -> Any:
    """What ``seen`` gives once that is something."""
    end = time.monotonic() + seconds
    while not (value := seen()):
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)
    return value


def ended(client: Any, job: Any) -> Any:
    def seen() -> Any:
        now = client.get(f"/jobs/{job['id']}").json()
        return now if now["state"] not in ("queued", "running") else None

    return until(seen)
