"""Working copies of processes that live, end and are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from speedkit import ownership
from speedkit.apps import own_app, remove_leftovers, remove_unused_copies, sample_app, stale_copies, working_copy
from speedkit.setup.cleanup import clean
from speedkit.state import state_folder
from tests.processes import another_process
from tests.waiting import HANG_SECONDS

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
    ownership._close_own_files()


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    argv = [sys.executable, "-m", "speedkit", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
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
@pytest.mark.slow
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
        assert remove_leftovers() == []
        assert [used.path for used in remove_unused_copies()] == [app.folder]
        assert (app.folder / "main.go").is_file()
    assert remove_unused_copies() == ()
    assert list((home / "work").iterdir()) == []


def test_closing_an_app_removes_the_caches_of_its_cold_host_builds_too():
    from speedkit.builds.host_commands import host_environment

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


@pytest.mark.slow
def test_what_was_typed_in_the_copy_of_a_killed_process_is_kept_and_the_copy_goes(home):
    code = """
app = sk.sample_app()
app.edit("rename-field")
app.write("README.md", "typed\\n")
app.write("deep/er.txt", "typed, too\\n")
app.write("go.mod", "gone again\\n")
app.reset("go.mod")
app.add_strategy("mine", "FROM scratch")
print(app.folder, flush=True)
"""
    with another_process(code) as (running, place):
        running.kill()
        running.wait()
    done = program("history")
    kept = home / "typed" / Path(place).name
    assert str(kept) in done.stderr
    assert {path.relative_to(kept).as_posix(): path.read_text() for path in kept.rglob("*") if path.is_file()} == {
        "README.md": "typed\n",
        "deep/er.txt": "typed, too\n",
        "Dockerfile.mine": "FROM scratch",
    }
    assert not Path(place).exists()
    assert kept.stat().st_mode & 0o777 == 0o700
    assert (kept / "README.md").stat().st_mode & 0o777 == 0o600
    assert str(home / "typed") in program("clean").stderr
    assert kept.is_dir()
    program("clean", "--all")
    assert not kept.exists()


def test_a_copy_whose_typed_text_cannot_be_kept_stays(home, monkeypatch):
    with another_process(COPY) as (running, place):
        running.kill()
        running.wait()
    (home / "typed").write_text("in the way")
    assert remove_leftovers() == []
    assert (Path(place) / "main.go").read_text() == "package main // typed"
    (home / "typed").unlink()
    assert Path(place) in remove_leftovers()
    assert (home / "typed" / Path(place).name / "main.go").read_text() == "package main // typed"


def test_what_was_typed_is_kept_for_a_month_and_in_so_many_copies_only(home, monkeypatch):
    monkeypatch.setattr(stale_copies, "KEPT_AT_MOST", 3)
    for name, days in {"today": 0, "yesterday": 1, "last-week": 7, "last-month": 40}.items():
        (home / "typed" / name).mkdir(parents=True)
        changed = time.time() - days * 24 * 3600
        os.utime(home / "typed" / name, (changed, changed))
    with another_process(COPY) as (running, place):
        running.kill()
        running.wait()
    remove_leftovers()
    assert {path.name for path in (home / "typed").iterdir()} == {Path(place).name, "today", "yesterday"}


def test_a_copy_that_is_closed_keeps_nothing(home):
    with sample_app() as app:
        app.write("README.md", "typed")
    assert remove_leftovers() == []
    assert not (home / "typed").exists()


RESTARTED = """
from speedkit import lessons
app = sk.sample_app()
lessons.close_with_kernel(app)
app.edit("rename-field")
{typed}
print(app.folder, flush=True)
"""


@pytest.mark.parametrize(
    "typed", ["", "app.write('main.go', 'x'); app.reset()", "app.write('Dockerfile.naive', 'FROM scratch')"]
)
@pytest.mark.slow
def test_a_kernel_that_ends_leaves_what_was_typed_and_the_next_copy_says_where(home, typed, capfd):
    with another_process(RESTARTED.format(typed=typed)) as (running, place):
        running.stdin.close()
        assert running.wait(HANG_SECONDS) == 0
        kept = home / "typed" / Path(place).name
        is_typed = "FROM" in typed
        assert Path(place).is_dir() == is_typed
    sample_app().close()
    said = capfd.readouterr().err
    assert not Path(place).exists()
    assert kept.is_dir() == is_typed
    assert (str(kept) in said) == is_typed


def test_clean_leaves_the_recording_that_another_process_is_writing(home):
    code = """
place = state_folder("recordings") / ".unfinished-1"
ownership.claim(place)
place.mkdir()
print(place, flush=True)
"""
    (home / "recordings" / "finished").mkdir(parents=True)
    (home / "recordings" / ".unfinished-0").mkdir()
    with another_process(code) as (_, _unfinished):
        done = clean(None, recordings=True)
        assert [path.name for path in (home / "recordings").iterdir()] == [".unfinished-1"]
        assert done.recordings == 1
    clean(None, recordings=True)
    assert list((home / "recordings").iterdir()) == []


def test_clean_leaves_the_folders_in_which_another_process_is_about_to_make_something(home, monkeypatch, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    claim = working_copy.claim

    def cleaned_before(path):
        clean(None, recordings=True)
        claim(path)

    monkeypatch.setattr(working_copy, "claim", cleaned_before)
    with own_app(tmp_path) as app:
        assert app.read("Dockerfile") == "FROM scratch\n"
