"""The whole story on one page: what each way to build taught, beside what the reader's own builds showed."""

from __future__ import annotations

from collections.abc import Sequence

from speedkit.measurements import Measurement, measure
from speedkit.messages import Labels, marked, message, plural
from speedkit.model import Build
from speedkit.rendering import Table
from speedkit.words import bytes_text, seconds_text, steps_that_ran

from .build_tables import NOT_BUILT
from .go_downloads import modules_in_words

__all__ = ["recap"]

LESSONS = {
    "host": marked("01: Go on your machine keeps compiled packages"),
    "chained": marked("02: one RUN is all or nothing"),
    "stages": marked("02: the tools in a stage of their own"),
    "naive": marked("03: all files first, so one change runs everything below"),
    "optimized": marked("04: the list of modules first, then the downloads, then the sources"),
    "warm": marked("05: compiled packages in a layer"),
    "mounts": marked("05: compiled packages in a cache mount"),
    "scratch": marked("05: no Linux in the image"),
}
"""What each strategy teaches, in the order of the lessons."""
EDIT = "rename-field"
HEADS = Labels(
    {
        "way": marked("way to build"),
        "lesson": marked("lesson"),
        "steps": marked("after a field renamed"),
        "time": marked("median time"),
        "modules": marked("modules downloaded"),
        "image": marked("image"),
    }
)


def recap(builds: Sequence[Build]) -> Table:
    """A row for each strategy of the lessons: what it teaches, and what the rename of a field cost in these builds."""
    import pandas as pd

    measured = {one.strategy: one for one in measure(list(builds)) if one.edit == EDIT}
    rows = [(name, message(lesson), *_figures(measured.get(name))) for name, lesson in LESSONS.items()]
    return Table(pd.DataFrame(rows, columns=list(HEADS)), _look, HEADS)


def _figures(one: Measurement | None) -> tuple[str, str, str, str]:
    if one is None:
        return message(NOT_BUILT), "–", "–", "–"
    newest = one.builds[-1]
    runs = plural("{seconds}, {count} run", "{seconds}, {count} runs", len(one.builds), seconds=seconds_text(one.seconds))
    image = bytes_text(newest.image_bytes) if newest.image_bytes else "–"
    return steps_that_ran(newest), runs, modules_in_words(newest), image


def _look(column: str, text: str) -> str:
    if text == message(NOT_BUILT):
        return "sk-dim"
    return "sk-sentence" if column in ("lesson", "steps") else "sk-amount"
