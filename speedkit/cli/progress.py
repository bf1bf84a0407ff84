"""Progress of long work in a terminal, on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from speedkit.cli.output import stderr
from speedkit.model import Build
from speedkit.rendering.amounts import seconds_text

__all__ = ["TerminalWatch"]


class TerminalWatch:
    """A progress bar where stderr is a terminal, a line per build where it is not."""

    def __init__(self, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=stderr.console
        )
        self._bar = self._progress.add_task("", total=total)
        self._what = ""

    def __enter__(self) -> Self:
        if stderr.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def begin(self, what: str) -> None:
        self._what = what
        self._progress.update(self._bar, description=what)

    def end(self, build: Build) -> None:
        self._progress.advance(self._bar)
        if not stderr.is_terminal:
            said = seconds_text(build.seconds) if build.ok else build.outcome
            stderr.print(f"{self._what}: {said}", highlight=False)
