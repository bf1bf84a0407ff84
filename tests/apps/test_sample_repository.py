"""The sample history: the same commits on every machine, in a folder that goes with its process."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from speedkit import ownership
from speedkit.apps import remove_leftovers
from speedkit.apps.sample_commits import COMMITS
from speedkit.apps.sample_repository import SampleHistory, sample_history
from speedkit.git_history import open_repository
from speedkit.projects import open_project
from speedkit.proof import advise
from tests.waiting import HANG_SECONDS

NEWEST = "1b73797f8d0ad5448ce23dbcd3d64c501465ee61"
"""The id of the newest commit. Another one means: the history is another one now, for everybody who wrote about it."""
HOSTILE_CONFIGURATION = """\
[user]
	name = Somebody Else
[commit]
	gpgSign = true
[gpg]
	program = false
[core]
	autocrlf = true
	hooksPath = {hooks}
[init]
	defaultBranch = trunk
	defaultObjectFormat = sha256
	templateDir = {hooks}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    ownership._close_own_files()


def git(history: SampleHistory, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(history.folder), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_it_has_200_commits_with_the_same_ids_each_time():
    with sample_history() as first, sample_history() as second:
        assert first.folder != second.folder
        for history in (first, second):
            assert git(history, "rev-parse", "HEAD") == NEWEST
            assert git(history, "rev-list", "--count", "HEAD") == str(COMMITS) == "200"


def test_no_setting_of_the_machine_counts(tmp_path, monkeypatch):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/hook-ran'\nexit 1\n")
        (hooks / name).chmod(0o755)
    (tmp_path / ".gitconfig").write_text(HOSTILE_CONFIGURATION.format(hooks=hooks))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    with sample_history() as history:
        assert open_repository(history.folder).head == NEWEST
        assert not (history.folder / ".git" / "hooks").exists()
        assert b"\r" not in (history.folder / "main.go").read_bytes()
    assert not (tmp_path / "hook-ran").exists()


def test_its_files_are_those_of_the_newest_commit_and_its_dates_grow():
    with sample_history() as history:
        assert git(history, "status", "--porcelain") == ""
        dates = [int(date) for date in git(history, "log", "--reverse", "--format=%ct").splitlines()]
        assert all(before < after for before, after in pairwise(dates))
        assert len(set(git(history, "log", "--format=%an").splitlines())) == 4


def test_it_is_a_project_with_something_to_find():
    with sample_history() as history:
        project = open_project(history)
        assert project.default is not None
        assert project.default.file == "Dockerfile"
        advice = advise(project)
        assert {piece.rule for piece in advice.pieces} > {"go-caches", "unread-files-ignored"}


def test_it_goes_when_it_is_closed():
    with sample_history() as history:
        assert Path(history).is_dir()
    assert not history.folder.exists()


def test_it_is_swept_when_its_process_was_killed():
    code = "import os, speedkit as sk; print(sk.sample_history().folder, flush=True); os._exit(1)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
    folder = Path(ended.stdout.strip())
    assert folder.is_dir()
    assert folder in remove_leftovers()
    assert not folder.exists()
