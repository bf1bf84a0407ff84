"""The progress of several builds, on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from speedkit.model import Build
from speedkit.words import outcome_word, seconds_text

from .output import ProgressBar, say

__all__ = ["TerminalWatch"]


class TerminalWatch:
    """A progress bar if stderr is a terminal, else a line per build."""

    def __init__(self, total: int) -> None:
        self._bar = ProgressBar(total)
        self._label = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def begin(self, label: str) -> None:
        self._label = label
        self._bar.describe(label)

    def end(self, build: Build) -> None:
        self._bar.advance()
        # A bar needs a terminal. In a log, a line for each build says how far it is.
        if not self._bar.is_shown:
            took = seconds_text(build.seconds) if build.ok else outcome_word(build.outcome)
            say(f"{self._label}: {took}")
