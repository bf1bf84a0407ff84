"""The program, run in this process."""

from __future__ import annotations

import sys

import pytest

from speedkit.cli import main


@pytest.fixture
def speedkit(monkeypatch, capsys):
    """Runs the program in this process: its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["speedkit", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run
