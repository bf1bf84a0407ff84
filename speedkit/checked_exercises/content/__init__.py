"""The exercises of all lessons, in their order: a module per lesson."""

from __future__ import annotations

from . import lesson_03

__all__ = ["TASKS"]

TASKS = (*lesson_03.TASKS,)
