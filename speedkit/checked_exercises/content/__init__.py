"""The exercises of all lessons, in their order: a module per lesson."""

from __future__ import annotations

from . import exam, lesson_01, lesson_02, lesson_03, lesson_04, lesson_05, lesson_06, lesson_07, lesson_08, lesson_10

__all__ = ["TASKS"]

TASKS = (
    *lesson_01.TASKS,
    *lesson_02.TASKS,
    *lesson_03.TASKS,
    *lesson_04.TASKS,
    *lesson_05.TASKS,
    *lesson_06.TASKS,
    *lesson_07.TASKS,
    *lesson_08.TASKS,
    *lesson_10.TASKS,
    *exam.TASKS,
)
