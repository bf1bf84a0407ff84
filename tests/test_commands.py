from __future__ import annotations

import shutil
import sys

import pytest

from speedkit import commands
from speedkit.commands import as_typed
from speedkit.errors import SetupError


@pytest.fixture(autouse=True)
def _asked_anew():
    commands._program.cache_clear()
    yield
    commands._program.cache_clear()


def put_program(folder):
    folder.mkdir(parents=True)
    (folder / "python").write_text("")
    (folder / "speedkit").write_text("")
    return folder


def test_a_program_on_the_path_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/speedkit")
    assert as_typed("Run `speedkit setup`.") == "Run `speedkit setup`."


def test_a_program_beside_this_python_is_called_by_its_place_below_the_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "executable", str(put_program(tmp_path / "venv" / "bin") / "python"))
    monkeypatch.chdir(tmp_path)
    assert str(SetupError("No engine.", fix="Run `speedkit setup`.")) == "No engine. Run `venv/bin/speedkit setup`."
    monkeypatch.chdir(tmp_path / "venv")
    commands._program.cache_clear()
    assert as_typed("speedkit engine start") == "bin/speedkit engine start"


def test_without_a_program_python_runs_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert as_typed("see `speedkit history`") == "see `python -m speedkit history`"


@pytest.mark.parametrize("text", ["speedkit started no engine", ".venv/bin/speedkit setup", "speedkit/trusting"])
def test_what_is_no_bare_command_stays(monkeypatch, tmp_path, text):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert as_typed(text) == text
