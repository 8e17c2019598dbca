"""Mistakes at the command line: one line and exit status 2."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serve.__main__ import app, main


def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["serve", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_bad_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    line = fails(monkeypatch, capsys, "api", "--port", "99999")
    assert line.startswith("wijha: bad_setting: 99999")
    assert line.endswith("[WIJHA_PORT]")
    monkeypatch.setenv("WIJHA_PORT", "abc")
    assert fails(monkeypatch, capsys, "api").startswith("wijha: bad_setting: 'abc'")


def test_files_the_system_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("serve.__main__.app", lambda: (tmp_path / "nowhere").open())
    line = fails(monkeypatch, capsys)
    assert line.startswith("wijha: os_error: ")
    assert "nowhere" in line


@pytest.mark.parametrize(("command", "words"), [("api", ["WIJHA_PORT", "8000"]), ("score", ["CSV", "--text-column"])])
def test_help_tells_what_there_is(command: str, words: list[str]) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"})
    assert result.exit_code == 0
    assert all(word in result.output for word in words)
