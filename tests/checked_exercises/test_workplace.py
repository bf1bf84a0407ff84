"""The learner's files and progress: kept, private, and never overwritten by a new version of the kit."""

from __future__ import annotations

import json
import stat
from dataclasses import replace

import pytest

from speedkit.checked_exercises.content import TASKS
from speedkit.checked_exercises.learner_exercise import Exercise
from speedkit.checked_exercises.progress import VERSION, Progress, read_progress
from speedkit.checked_exercises.task import File, Task
from speedkit.errors import StateRefused

NAME = "03-download-once"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def task() -> Task:
    return next(task for task in TASKS if task.name == NAME)


class OtherFiles(Task):
    """A task whose first files are given."""

    files: dict[str, File]

    def start_files(self) -> dict[str, File]:
        return self.files


def with_files(task: Task, files: dict[str, File]) -> Task:
    other = OtherFiles(**{name: getattr(task, name) for name in Task.__dataclass_fields__})
    object.__setattr__(other, "files", files)
    return other


def test_what_was_typed_and_the_progress_survive_a_restart(task, home):
    first = Exercise(task)
    first.app.write("main.go", "package main\n")
    assert first.hint() == task.hints[0]
    first.app.close()
    again = Exercise(task)
    assert again.folder == first.folder
    assert again.app.read("main.go") == "package main\n"
    assert again.app.changed() == ("main.go",)
    assert again.hint() == task.hints[1]
    assert again.progress.hints == 2


def test_the_folder_and_the_progress_are_private(task, home):
    exercise = Exercise(task)
    exercise.hint()
    place = home / "exercises" / NAME
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home, place.parent, place)] == [0o700] * 3
    assert stat.S_IMODE((place / "progress.json").stat().st_mode) == 0o600
    # Modes count in BuildKit's cache keys, so those of the files are the same on every machine.
    assert stat.S_IMODE((exercise.folder / "main.go").stat().st_mode) == 0o644


def test_a_reset_gives_the_first_files_and_keeps_the_progress_and_what_it_replaced(task):
    exercise = Exercise(task)
    exercise.hint()
    exercise.app.write("main.go", "package mine\n")
    exercise.app.write("new/file", "mine\n")
    exercise.reset()
    assert exercise.app.changed() == ()
    assert exercise.progress.hints == 1
    assert (exercise.replaced / "main.go").read_text() == "package mine\n"
    assert (exercise.replaced / "new/file").read_text() == "mine\n"


def test_the_solution_is_put_over_the_first_files(task):
    exercise = Exercise(task)
    exercise.app.write("main.go", "package mine\n")
    assert "+RUN go mod download" in exercise.solution()
    exercise.solve()
    assert exercise.app.changed() == (".dockerignore", "Dockerfile")
    assert "go mod download" in exercise.app.read("Dockerfile")
    assert exercise.progress.solution_shown


def test_an_update_changes_the_files_that_the_learner_did_not(task):
    first = with_files(
        task, {"Dockerfile": File(b"FROM a\n"), "mine": File(b"1\n"), "gone": File(b"1\n"), "edited": File(b"1\n")}
    )
    Exercise(first).app.write("mine", "typed\n")
    Exercise(first).app.write("edited", "typed\n")
    updated = with_files(task, {"Dockerfile": File(b"FROM b\n"), "mine": File(b"2\n"), "new": File(b"2\n")})
    exercise = Exercise(updated)
    assert exercise.app.read("Dockerfile") == "FROM b\n"
    assert exercise.app.read("new") == "2\n"
    assert exercise.app.read("mine") == "typed\n"
    assert exercise.app.read("edited") == "typed\n"
    assert not (exercise.folder / "gone").exists()
    exercise.reset()
    assert exercise.app.read("mine") == "2\n"
    assert not (exercise.folder / "edited").exists()


def test_progress_of_the_first_version_is_brought_up_to_date(task, home):
    place = home / "exercises" / NAME
    place.mkdir(parents=True)
    first = {"version": 1, "passed": True, "tries": 3, "hints": 1, "solution_shown": False, "folder": ""}
    (place / "progress.json").write_text(json.dumps(first))
    exercise = Exercise(task)
    assert exercise.progress == Progress(passed=True, tries=3, hints=1)
    exercise.hint()
    assert json.loads((place / "progress.json").read_text()) == {**first, "version": VERSION, "passed_on": "", "hints": 2}


def test_progress_of_a_newer_version_and_a_broken_file_are_put_aside_and_kept(task, home):
    exercise = Exercise(task)
    exercise.hint()
    place = home / "exercises" / NAME / "progress.json"
    for text in (json.dumps({"version": VERSION + 1}), "{", "[]", json.dumps({"version": VERSION})):
        place.write_text(text)
        assert read_progress(place.parent) == Progress()
        exercise.hint()
        assert read_progress(place.parent).hints == 1
    assert len(list(place.parent.glob("progress.json.put-aside-*"))) == 4


def test_a_state_folder_that_cannot_be_made_is_an_error_with_a_fix(task, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StateRefused, match="SPEEDKIT_HOME"):
        Exercise(task).hint()
    with pytest.raises(StateRefused, match="SPEEDKIT_HOME"):
        _ = Exercise(task).folder
    assert Exercise(replace(task)).progress == Progress()
