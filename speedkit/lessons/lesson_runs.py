"""Runs of the lessons on this machine: what a lesson needs, how long its cells ran, and how far a reader has come.

    <state folder>/lessons/<notebook>.json     JSON: `begun`, `done` (times of the reader's own runs), `seconds` (of the last
                                               run to the end, also by a tour)
    measured_lessons.json, beside this file    JSON: `cores` of the machine and `seconds` by notebook, of one tour for all
                                               readers. `python -m tests.lesson_times` writes it.

Only the time in which cells run is counted: the time to read and to guess is the reader's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from speedkit.cell_output import say
from speedkit.errors import Misuse, StateRefused
from speedkit.messages import marked, message, plural
from speedkit.rendering import Table
from speedkit.state import open_private, state_folder
from speedkit.words import seconds_text

from .notebook_files import FIRST_NOTEBOOK, notebooks_folder, notebooks_in

__all__ = ["LessonRun", "begin", "done", "progress", "runs_by_lesson", "where_to_go_on"]

MEASURED = Path(__file__).with_name("measured_lessons.json")
NEEDS = {
    "01_host_build": marked("This lesson needs Docker, and Go on this machine. It needs no other lesson."),
    "06_compare": marked("This lesson needs the builds of other lessons: run 03 and 04 first."),
}
NEEDS_DOCKER = marked("This lesson needs Docker. It needs no other lesson.")


@dataclass(frozen=True, slots=True)
class LessonRun:
    """The runs of one lesson on this machine.

    begun, done: when the reader last began it and last reached its end, in UTC and the format of ISO 8601; "" for never.
    seconds: how long its cells ran in the last run to the end; None for never.
    """

    begun: str = ""
    done: str = ""
    seconds: float | None = None

    @property
    def is_finished(self) -> bool:
        """The reader reached the end after the last beginning."""
        return bool(self.done) and self.done >= self.begun


def runs_by_lesson() -> dict[str, LessonRun]:
    """The runs of each lesson on this machine, by the name of its notebook, in their order."""
    return {path.stem: _read(path.stem) for path in notebooks_in(notebooks_folder())}


def begin(lesson: str) -> None:
    """Print what a lesson needs and how long its cells run, and begin to count their seconds.

    lesson: the name of its notebook, such as `03_naive_multistage`.
    Raises: Misuse for another name.
    """
    runs = runs_by_lesson()
    if lesson not in runs:
        sentence = message("There is no lesson {name!r}.", name=lesson)
        raise Misuse(sentence, fix=message("The lessons are {names}.", names=", ".join(runs)))
    run = runs[lesson]
    say(message(NEEDS.get(lesson, NEEDS_DOCKER)), _how_long(lesson, run), _how_far(run))
    _clock.start(lesson)
    if not _in_tour():
        _write(lesson, replace(run, begun=_now()))


def done() -> None:
    """Print how long the cells of the lesson ran that was begun in this kernel, and note that its end is reached."""
    if _clock.lesson is None:
        say(message("The first cell of this notebook was not run in this kernel, so nothing was counted."))
        return
    run = replace(_read(_clock.lesson), seconds=_clock.seconds)
    if not _in_tour():
        run = replace(run, done=_now())
    _write(_clock.lesson, run)
    say(message("The cells of this lesson ran for {seconds}.", seconds=seconds_text(_clock.seconds)))


def _how_long(lesson: str, run: LessonRun) -> str:
    if run.seconds is not None:
        return message("Its cells ran for {seconds} the last time on this machine.", seconds=seconds_text(run.seconds))
    cores, measured = _measured()
    if lesson in measured:
        return plural(
            "Its cells ran for {seconds} on another machine, with {count} core. On this machine they have not run yet.",
            "Its cells ran for {seconds} on another machine, with {count} cores. On this machine they have not run yet.",
            cores,
            seconds=seconds_text(measured[lesson]),
        )
    return message("How long its cells run is not known yet: this run measures it.")


def _how_far(run: LessonRun) -> str:
    if run.is_finished:
        return message("You reached its end on {date}.", date=_date(run.done))
    if run.begun:
        return message("You began it on {date}, and have not reached its end since.", date=_date(run.begun))
    return ""


def progress() -> Table:
    """A row per lesson: how far the reader has come, and how long its cells ran here, or where they were measured."""
    import pandas as pd

    cores, measured = _measured()
    rows = []
    for lesson, run in _runs_after_the_first_notebook().items():
        seconds = "–"
        if run.seconds is not None:
            seconds = message("{seconds}, here", seconds=seconds_text(run.seconds))
        elif lesson in measured:
            time_there = seconds_text(measured[lesson])
            seconds = plural("{seconds}, on {count} core", "{seconds}, on {count} cores", cores, seconds=time_there)
        rows.append((lesson, _state(run), seconds))
    heads = {"lesson": message("lesson"), "state": message("your run"), "seconds": message("its cells ran for")}
    return Table(pd.DataFrame(rows, columns=list(heads)), heads=heads)


def _runs_after_the_first_notebook() -> dict[str, LessonRun]:
    """The reader sees these in the first notebook, which is under way."""
    return {lesson: run for lesson, run in runs_by_lesson().items() if lesson != Path(FIRST_NOTEBOOK).stem}


def _state(run: LessonRun) -> str:
    if run.is_finished:
        return message("finished on {date}", date=_date(run.done))
    return message("begun on {date}", date=_date(run.begun)) if run.begun else message("not begun")


def where_to_go_on() -> str:
    """Where a reader goes on who returns: in the lesson begun last and not finished, else in the first one not begun."""
    runs = _runs_after_the_first_notebook()
    begun = [lesson for lesson, run in runs.items() if run.begun and not run.is_finished]
    if begun:
        last = max(begun, key=lambda lesson: runs[lesson].begun)
        return message("You began {lesson} on {date}: go on there.", lesson=last, date=_date(runs[last].begun))
    left = [lesson for lesson, run in runs.items() if not run.begun]
    return message("Go on with {lesson}.", lesson=left[0]) if left else message("You have finished all lessons.")


class _Clock:
    """Counts the seconds in which cells run, from `start` on. lesson: None before the first start."""

    def __init__(self) -> None:
        self.lesson: str | None = None
        self._ended_cells = 0.0
        self._cell_began: float | None = None

    @property
    def seconds(self) -> float:
        """So far, with the cell that runs now."""
        running = 0.0 if self._cell_began is None else time.monotonic() - self._cell_began
        return self._ended_cells + running

    def start(self, lesson: str) -> None:
        """Count from now on, in the middle of a cell, for this lesson."""
        if self.lesson is None and (events := _cell_events()) is not None:
            events.register("pre_run_cell", self._begin_cell)
            events.register("post_run_cell", self._end_cell)
        self.lesson, self._ended_cells, self._cell_began = lesson, 0.0, time.monotonic()

    def _begin_cell(self, *_: object) -> None:
        self._cell_began = time.monotonic()

    def _end_cell(self, *_: object) -> None:
        self._ended_cells, self._cell_began = self.seconds, None


_clock = _Clock()


def _cell_events() -> Any | None:
    """The events of IPython; None outside of it."""
    with contextlib.suppress(ImportError):
        from IPython import get_ipython

        shell = get_ipython()
        return None if shell is None else shell.events
    return None


def _in_tour() -> bool:
    """Whether a tour runs this kernel: then nobody reads the lesson."""
    return "SPEEDKIT_SESSION" in os.environ


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _date(moment: str) -> str:
    """The day of a moment where the reader is: `2026-11-27`."""
    return datetime.fromisoformat(moment).astimezone().date().isoformat()


def _read(lesson: str) -> LessonRun:
    """The runs of a lesson; those of a missing or damaged file are none."""
    with contextlib.suppress(StateRefused, OSError, ValueError, TypeError, RecursionError):
        return _lesson_run(json.loads((state_folder("lessons") / f"{lesson}.json").read_bytes()))
    return LessonRun()


def _lesson_run(document: Any) -> LessonRun:
    if not isinstance(document, dict):
        return LessonRun()
    begun, done, seconds = (document.get(name) for name in ("begun", "done", "seconds"))
    for moment in filter(None, (begun, done)):
        datetime.fromisoformat(moment)  # raises ValueError for another text
    return LessonRun(begun or "", done or "", seconds if isinstance(seconds, int | float) else None)


def _write(lesson: str, run: LessonRun) -> None:
    """Keep the runs of a lesson. Where nothing can be kept, builds say so already."""
    with contextlib.suppress(StateRefused, OSError):
        target = state_folder("lessons") / f"{lesson}.json"
        draft = target.with_name(f".{target.name}.unfinished")
        with open_private(draft) as file:
            file.write(json.dumps(asdict(run)).encode())
        draft.replace(target)


def _measured() -> tuple[int, dict[str, float]]:
    """The cores of the machine, and the seconds by lesson, of the tour that was measured for all readers."""
    try:
        document = json.loads(MEASURED.read_bytes())
    except FileNotFoundError:
        return 0, {}
    return document["cores"], document["seconds"]
