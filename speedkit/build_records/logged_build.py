"""What every reader of text logs notes about a build: who printed it, its times, and the lines that it did not understand."""

from __future__ import annotations

from dataclasses import dataclass, field

from .foreign_build import TEXT_LENGTH, NotUnderstood
from .log_lines import Block, decoded

__all__ = ["MOST_LINES_BETWEEN", "LoggedBuild"]

MOST_NOT_UNDERSTOOD = 100
MOST_LINES_BETWEEN = 2000
"""Lines of other programs between two lines of a build that are looked at."""


@dataclass(slots=True)
class LoggedBuild:
    """A build so far.

    program: that printed it. first, last: the times of its lines, by the clock of the log. pending: lines that were not
    understood; they count when the build goes on after them.
    """

    program: str
    first: float | None = None
    last: float | None = None
    lines_between: int = 0
    pending: list[NotUnderstood] = field(default_factory=list)
    not_understood: list[NotUnderstood] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        """From its first line to its last one; None where the log has no times."""
        return None if self.first is None or self.last is None else self.last - self.first

    def at(self, time: float | None) -> None:
        """A line of the build was printed."""
        if time is not None:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)
        # A log has millions of lines of builds, and few others.
        if self.lines_between:
            self.lines_between = 0
            self.not_understood += self.pending[: MOST_NOT_UNDERSTOOD - len(self.not_understood)]
            self.pending.clear()

    def note_other_line(self, block: Block, place: int, line: bytes) -> None:
        """Note a line that no reader understood. place: of its line feed in the block."""
        if len(self.pending) + len(self.not_understood) < MOST_NOT_UNDERSTOOD:
            self.pending.append(NotUnderstood(block.line_at(place), decoded(line.strip())[:TEXT_LENGTH]))
