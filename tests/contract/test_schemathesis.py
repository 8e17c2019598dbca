"""Schemathesis over every operation of the description, with all of its checks and phases, against a running server."""

import subprocess
import sys
from pathlib import Path

from models.checkpoint import Checkpoint
from tests.contract.live import serving

# Every check is on. What two of them hold for failures is an answer of ours:
# - 504 where the deadline that a request sets itself, of 1e-300 s say, has passed;
# - 422 to a text for /predict with nothing to read in it, which no schema can tell from others.
CONFIG = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 504]

[[operations]]
include-path = "/predict"

[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 422, 504]
"""


def test_whatever_the_description_allows_is_answered_as_it_says(checkpoint: Checkpoint, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    with serving(checkpoint, jobs_folder=str(tmp_path / "jobs")) as live:
        program = str(Path(sys.executable).parent / "schemathesis")
        command = [program, "--no-color", "--config-file", str(config), "run", f"{live.url}/openapi.json"]
        options = ["--checks", "all", "--max-examples", "6", "--seed", "1"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: " in done.stdout
