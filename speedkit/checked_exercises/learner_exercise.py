"""An exercise as a reader uses it, in a cell, in a program or on the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from speedkit.apps import KeptApp
from speedkit.builds import quiet_or_notebook
from speedkit.errors import UnknownExercise
from speedkit.messages import message
from speedkit.rendering import Cell, table_html

from .checking import RunningCheck, Verdict
from .content import TASKS
from .progress import Progress
from .task import EXAM, Task
from .workplace import Workplace

__all__ = ["TRIES_BEFORE_SOLUTION", "Exercise", "ExerciseList", "exercise", "exercises"]

TRIES_BEFORE_SOLUTION = 2


class Exercise:
    """A task on a working copy of one's own, which the kit checks by real builds. Shown in a notebook with its buttons.

    name, lesson, title: as in the list of `sk.exercises()`. app: the working copy; edit the files in `folder` with any editor,
    with `app.write(path, text)`, or in `sk.Workbench(exercise.app)`.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._workplace = Workplace(task)

    def __repr__(self) -> str:
        return f"Exercise({self.name!r})"

    @property
    def name(self) -> str:
        return self._task.name

    @property
    def lesson(self) -> str:
        return self._task.lesson

    @property
    def title(self) -> str:
        return self._task.title_in_words

    @property
    def minutes(self) -> int:
        """How long a reader may take."""
        return self._task.minutes

    @property
    def task(self) -> str:
        """What to do."""
        return message(self._task.text)

    @property
    def hints(self) -> tuple[str, ...]:
        """All hints."""
        return tuple(message(hint) for hint in self._task.hints)

    @property
    def app(self) -> KeptApp:
        """The working copy, which is kept. Raises: DiskFull, StateRefused."""
        return self._workplace.app

    @property
    def folder(self) -> Path:
        """The folder of the working copy. Raises: DiskFull, StateRefused."""
        return self.app.folder

    @property
    def progress(self) -> Progress:
        """How far the reader has come."""
        return self._workplace.progress

    @property
    def passed(self) -> bool:
        """A check has passed, now or earlier."""
        return self.progress.passed

    @property
    def replaced(self) -> Path:
        """The folder of the files that the last reset or solution replaced."""
        return self._workplace.replaced

    def _ipython_display_(self) -> None:
        from .view import ExerciseView  # widgets take a moment to load, and the command line has none

        ExerciseView(self)._ipython_display_()

    def check(self) -> Verdict:
        """Build the working copy for real, with edits of its own, and say what was seen. Ctrl-C ends the check.

        Raises: EngineError, DiskFull, StateRefused.
        """
        with quiet_or_notebook(1) as watch:
            running = self.start_check(on_begin=watch.begin)
            try:
                return self.finish_check(running)
            except KeyboardInterrupt:
                running.cancel()
                raise

    def start_check(self, *, on_begin: Callable[[str], None] = lambda _: None) -> RunningCheck:
        """A check to `run`, in this thread or another. on_begin: gets a few words when a build begins."""
        return RunningCheck(self._task, self.app, on_begin=on_begin)

    def finish_check(self, running: RunningCheck) -> Verdict:
        """Run a check and note its answer in the progress. Raises: as `check`, CheckCancelled."""
        verdict = running.run()
        progress = replace(self.progress, tries=self.progress.tries + 1)
        if verdict.passed and not progress.passed:
            progress = replace(progress, passed=True, passed_on=datetime.now().astimezone().date().isoformat())
        self._workplace.note(progress)
        return verdict

    def hint(self) -> str:
        """The next hint; the last one again once all were read."""
        progress = self.progress
        number = min(progress.hints + 1, len(self.hints))
        self._workplace.note(replace(progress, hints=number))
        return self.hints[number - 1]

    def solution(self) -> str:
        """The solution: what it changes in the first files, as a unified diff."""
        from .solution import solution_diff

        self._workplace.note(replace(self.progress, solution_shown=True))
        return solution_diff(self._task)

    def solve(self) -> None:
        """Put the kit's solution into the working copy. Changed files go to `replaced`. Raises: DiskFull, StateRefused."""
        self._workplace.solve()
        self._workplace.note(replace(self.progress, solution_shown=True))

    def reset(self) -> None:
        """Make the working copy as it was at first. Changed files go to `replaced`. Raises: DiskFull, StateRefused."""
        self._workplace.reset()


class ExerciseList(tuple[Exercise, ...]):
    """All exercises in their order. Shown in a notebook as a table with the progress."""

    def _repr_html_(self) -> str:
        heads = [message("exercise"), message("lesson"), message("title"), message("minutes"), message("progress")]
        rows = [
            [
                Cell(one.name, is_code=True),
                Cell(lesson_words(one.lesson)),
                Cell(one.title),
                Cell(str(one.minutes)),
                Cell(progress_words(one.progress)),
            ]
            for one in self
        ]
        return table_html([Cell(head) for head in heads], rows, look="sk-facts")

    def to_json(self) -> dict[str, Any]:
        return {
            "exercises": [
                {
                    "name": one.name,
                    "lesson": one.lesson,
                    "title": one.title,
                    "minutes": one.minutes,
                    "passed": one.progress.passed,
                    "tries": one.progress.tries,
                }
                for one in self
            ]
        }


def exercises() -> ExerciseList:
    """Every exercise of the kit."""
    return ExerciseList(_exercise(task.name) for task in TASKS)


def exercise(name: str) -> Exercise:
    """The exercise of a name, such as `03-download-once`. Raises: UnknownExercise."""
    names = [task.name for task in TASKS]
    if name not in names:
        raise UnknownExercise(name, names)
    return _exercise(name)


@lru_cache(maxsize=128)
def _exercise(name: str) -> Exercise:
    # One object for one folder, however many cells show it.
    return Exercise(next(task for task in TASKS if task.name == name))


def lesson_words(lesson: str) -> str:
    """The lesson of an exercise, for readers."""
    return message("exam") if lesson == EXAM else lesson


def progress_words(progress: Progress) -> str:
    """How far somebody has come, in a word or two."""
    if progress.passed:
        return message("✓ passed on {day}", day=progress.passed_on) if progress.passed_on else message("✓ passed")
    return message("begun") if progress.tries or progress.folder else message("not begun")
