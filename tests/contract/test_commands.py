"""Mistakes at the command line: one line and exit status 2."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import data.__main__
import serve.__main__
import train.__main__
from serve.__main__ import app

MAINS = {"data": data.__main__.main, "serve": serve.__main__.main, "train": train.__main__.main}


def fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str, package: str = "serve"
) -> str:
    main = MAINS[package]
    monkeypatch.setattr(sys, "argv", [package, *words])
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


@pytest.mark.parametrize("package", MAINS)
def test_files_the_system_refuses(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(f"{package}.__main__.app", lambda: (tmp_path / "nowhere").open())
    line = fails(monkeypatch, capsys, package=package)
    assert line.startswith("wijha: os_error: ")
    assert "nowhere" in line


@pytest.mark.parametrize(("command", "words"), [("api", ["WIJHA_PORT", "8000"]), ("score", ["CSV", "--text-column"])])
def test_help_tells_what_there_is(command: str, words: list[str]) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"})
    assert result.exit_code == 0
    assert all(word in result.output for word in words)
