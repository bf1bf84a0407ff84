"""Working copies of processes that live, end and are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from speedkit import ownership
from speedkit.apps import own_app, remove_unused_copies, sample_app, sweep_leftovers
from speedkit.state import state_folder
from tests.processes import another_process

COPY = """
app = sk.sample_app()
app.write("main.go", "package main // typed")
app.add_strategy("mine", "FROM scratch")
print(app.folder, flush=True)
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    ownership._let_go()


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    argv = [sys.executable, "-m", "speedkit", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)


def test_clean_leaves_the_copy_that_a_living_process_edits_and_says_so():
    with another_process(COPY) as (running, place):
        (state_folder("work") / "nobodys").mkdir()
        done = program("clean")
        assert (Path(place) / "main.go").read_text() == "package main // typed"
        assert place in done.stderr
        assert str(running.pid) in done.stderr
        assert not (state_folder("work") / "nobodys").exists()
        assert len(list(state_folder("dockerfiles").iterdir())) == 1


@pytest.mark.parametrize("start", ["program", "copy"])
def test_the_next_start_sweeps_the_copy_of_a_killed_process(start):
    with another_process(COPY) as (running, place):
        running.kill()
        running.wait()
        assert Path(place).is_dir()
        if start == "program":
            program("history")
        else:
            sample_app().close()
        assert not Path(place).exists()
        assert list(state_folder("dockerfiles").iterdir()) == []


def test_a_copy_of_this_process_is_neither_swept_nor_cleaned(home):
    with sample_app() as app:
        assert sweep_leftovers() == []
        assert [used.path for used in remove_unused_copies()] == [app.folder]
        assert (app.folder / "main.go").is_file()
    assert remove_unused_copies() == ()
    assert not (home / "work").exists()


def test_closing_an_app_removes_the_caches_of_its_cold_host_builds_too():
    from speedkit.experiment.host import host_environment

    with sample_app() as app:
        for cold in (False, True, True):
            isolation, _ = app.begin("host", cold=cold)
            cache = Path(host_environment(isolation)["GOCACHE"])
            cache.mkdir(parents=True)
            cache.chmod(0o500)
        assert len(list(state_folder("host-caches").iterdir())) == 3
    assert list(state_folder("host-caches").iterdir()) == []


def test_closing_an_app_removes_folders_that_were_made_read_only(folder):
    with own_app(folder({"Dockerfile": "FROM scratch\n", "deep/er/a.txt": "a"})) as app:
        (app.folder / "deep/er").chmod(0o500)
        (app.folder / "deep").chmod(0o500)
    assert not app.folder.exists()
