"""How far a reader has come, and how long a lesson's cells run."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbclient import NotebookClient

from speedkit import lessons
from speedkit.errors import Misuse
from speedkit.lessons.lesson_runs import LessonRun, _Clock, _write
from speedkit.state import state_folder

LESSON = "03_naive_multistage"


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("SPEEDKIT_SESSION", raising=False)
    monkeypatch.setattr("speedkit.lessons.lesson_runs.MEASURED", tmp_path / "measured.json")


def rows() -> dict[str, tuple[str, str]]:
    table = lessons.progress().data
    return {lesson: (state, seconds) for lesson, state, seconds in table.to_numpy().tolist()}


def test_a_lesson_that_never_ran_says_what_it_needs_and_no_time(capsys):
    lessons.begin(LESSON)
    assert capsys.readouterr().out == (
        "This lesson needs Docker. It needs no other lesson.\nHow long its cells run is not known yet: this run measures it.\n"
    )
    lessons.begin("01_host_build")
    assert "Docker, and Go on this machine" in capsys.readouterr().out


def test_a_time_of_another_machine_is_told_with_the_machine(tmp_path, capsys):
    measured = {"cores": 2, "seconds": {LESSON: 75.0}}
    (tmp_path / "measured.json").write_text(json.dumps(measured))
    assert rows()[LESSON] == ("not begun", "75.0 s, on 2 cores")
    lessons.begin(LESSON)
    assert (
        "Its cells ran for 75.0 s on another machine, with 2 cores. On this machine they have not run"
        in capsys.readouterr().out
    )


def test_a_time_of_this_machine_comes_first(tmp_path, capsys):
    (tmp_path / "measured.json").write_text(json.dumps({"cores": 2, "seconds": {LESSON: 75.0}}))
    _write(LESSON, LessonRun(seconds=31.0))
    assert rows()[LESSON] == ("not begun", "31.0 s, here")
    lessons.begin(LESSON)
    assert "Its cells ran for 31.0 s the last time on this machine.\n" in capsys.readouterr().out


def test_a_reader_who_returns_goes_on_where_they_were():
    assert lessons.where_to_go_on() == "Go on with 01_host_build."
    lessons.begin("01_host_build")
    assert lessons.where_to_go_on().startswith("You began 01_host_build on ")
    assert rows()["01_host_build"][0].startswith("begun on 20")
    lessons.done()
    assert rows()["01_host_build"][0].startswith("finished on 20")
    assert lessons.where_to_go_on() == "Go on with 02_single_layer."
    lessons.begin("01_host_build")
    assert rows()["01_host_build"][0].startswith("begun on 20")
    for lesson in lessons.runs_by_lesson():
        lessons.begin(lesson)
        lessons.done()
    assert lessons.where_to_go_on() == "You have finished all lessons."


def test_a_tour_measures_and_is_no_reader(monkeypatch):
    monkeypatch.setenv("SPEEDKIT_SESSION", "tour-1")
    lessons.begin(LESSON)
    lessons.done()
    run = lessons.runs_by_lesson()[LESSON]
    assert (run.begun, run.done) == ("", "")
    assert run.seconds is not None


@pytest.mark.parametrize("text", ["", "[", "[]", '{"begun": "soon"}', '{"begun": 3}', "{" * 9999])
def test_a_damaged_note_counts_as_none(text):
    (state_folder("lessons") / f"{LESSON}.json").write_text(text)
    assert lessons.runs_by_lesson()[LESSON] == LessonRun()


def test_another_name_is_refused():
    with pytest.raises(Misuse, match=r"There is no lesson '\.\./x'"):
        lessons.begin("../x")


def test_where_nothing_can_be_kept_a_lesson_begins_all_the_same(monkeypatch, capsys):
    monkeypatch.setenv("SPEEDKIT_HOME", "/dev/null/speedkit")
    lessons.begin(LESSON)
    lessons.done()
    assert "The cells of this lesson ran for" in capsys.readouterr().out


def test_the_time_between_two_cells_does_not_count():
    clock = _Clock()
    clock.start(LESSON)
    clock._end_cell()
    counted = clock.seconds
    assert counted > 0
    assert clock.seconds == counted
    clock._begin_cell()
    assert clock.seconds > counted


@pytest.mark.slow
def test_a_kernel_counts_the_cells_after_the_first_one():
    cells = [f"from speedkit import lessons; lessons.begin({LESSON!r})", "import time; time.sleep(0.3)", "lessons.done()"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    NotebookClient(notebook, timeout=120).execute()
    assert (lessons.runs_by_lesson()[LESSON].seconds or 0) >= 0.3
