"""The widget of an exercise, without a page and an engine: checks that wait until a test lets them go on."""

from __future__ import annotations

import threading

import pytest

from speedkit.checked_exercises import CheckCancelled, Verdict
from speedkit.checked_exercises.content import TASKS
from speedkit.checked_exercises.findings import Finding
from speedkit.checked_exercises.learner_exercise import Exercise
from speedkit.checked_exercises.view import ExerciseView
from speedkit.errors import EngineLost


class HeldCheck:
    """A check that waits, and then answers or raises."""

    def __init__(self, answer: Verdict | BaseException, on_begin) -> None:
        self.answer, self.on_begin = answer, on_begin
        self.is_held, self.let_go = threading.Event(), threading.Event()

    def cancel(self) -> None:
        self.answer = CheckCancelled()
        self.let_go.set()

    def run(self) -> Verdict:
        self.on_begin("After an edit of <b>")
        self.is_held.set()
        self.let_go.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def view(tmp_path, monkeypatch):
    """Gives the view of an exercise, and lets its checks come to an answer of the test's own."""
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    exercise = Exercise(next(task for task in TASKS if task.name == "02-own-step"))
    shown = ExerciseView(exercise)

    def start(answer: Verdict | BaseException) -> HeldCheck:
        held: list[HeldCheck] = []

        def start_check(*, on_begin):
            held.append(HeldCheck(answer, on_begin))
            return held[0]

        monkeypatch.setattr(exercise, "start_check", start_check)
        shown.check_button.click()
        held[0].is_held.wait()
        return held[0]

    shown.start = start
    return shown


REFUSED = Verdict(False, (Finding(True, "It builds."), Finding(False, "Line 3 ran <again>.")))


def is_shown(button) -> bool:
    return button.layout.display != "none"


def test_a_check_that_runs_shows_what_it_does_and_can_be_cancelled(view):
    view.start(REFUSED)
    assert "<progress" in view._answer.value
    assert "After an edit of &lt;b&gt;" in view._answer.value
    assert is_shown(view.cancel_button)
    assert view.check_button.disabled
    view.cancel_button.click()
    view.wait()
    assert "The check was cancelled." in view._answer.value
    assert not is_shown(view.cancel_button)
    assert not view.check_button.disabled
    assert view._exercise.progress.tries == 0


def test_a_refusal_shows_each_finding_and_the_solution_is_offered_after_two(view):
    for number in (1, 2):
        assert not is_shown(view.solution_button)
        view.start(REFUSED).let_go.set()
        view.wait()
        assert "Not yet" in view._answer.value
        assert "✗ Line 3 ran &lt;again&gt;." in view._answer.value
        assert view._exercise.progress.tries == number
    view.solution_button.click()
    assert "+COPY install-tools.sh /tmp/" in view._solution.value
    view.use_button.click()
    assert view._exercise.app.changed() == ("Dockerfile",)
    view.start(Verdict(True, (Finding(True, "It builds."),))).let_go.set()
    view.wait()
    assert "Passed" in view._answer.value
    assert "✓ passed" in view._task.value


def test_an_engine_that_goes_away_is_a_sentence(view):
    view.start(EngineLost("The engine went away.", fix="Start it again.")).let_go.set()
    view.wait()
    assert "The engine went away. Start it again." in view._answer.value
    assert not view.check_button.disabled


def test_hints_come_one_by_one(view):
    hints = view._exercise.hints
    view.hint_button.click()
    assert view._hints.value.count("<li>") == 1
    for _ in hints:
        view.hint_button.click()
    assert view._hints.value.count("<li>") == len(hints)
    assert not is_shown(view.hint_button)


def test_a_problem_of_a_button_is_a_sentence(view, monkeypatch):
    def fail() -> None:
        raise OSError("no room")

    monkeypatch.setattr(view._exercise, "reset", fail)
    view.reset_button.click()
    assert "no room" in view._answer.value


def test_the_saved_notebook_has_the_task_without_buttons(view):
    html = view.html()
    assert "install-tools.sh" in html
    assert "<button" not in html
