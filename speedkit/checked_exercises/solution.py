"""The kit's solution of an exercise, as a difference to its first files."""

from __future__ import annotations

import difflib

from speedkit.messages import message

from .task import Task

__all__ = ["solution_diff"]


def solution_diff(task: Task) -> str:
    """What the solution changes, as a unified diff."""
    first = task.start_files()
    diff: list[str] = []
    for path, file in task.solution_files().items():
        before = first[path].data.decode().splitlines(keepends=True) if path in first else []
        was, now = message("{name}, at first", name=path), message("{name}, solved", name=path)
        diff += difflib.unified_diff(before, file.data.decode().splitlines(keepends=True), fromfile=was, tofile=now)
    return "".join(diff)
