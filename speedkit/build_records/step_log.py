"""The log of one step, as a build log has it: its beginning and its end, within limits.

A log of a build may have 500 MB, most of it from one step. The pieces are kept as they stand in the file, with what stands
before each line; `text` removes that, once, from the part that is kept. The limits are below those of
`speedkit.recordings.LogLimit`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from speedkit.recordings import CUT_HERE

__all__ = ["LogBudget", "StepLog"]

BEGIN_BYTES = 1 << 20
END_BYTES = 128 << 10
END_BYTES_WHEN_FULL = 4 << 10
FILE_BYTES = 16 << 20


@dataclass(slots=True)
class LogBudget:
    """The bytes that the logs of all steps of a file may still take."""

    left_bytes: int = FILE_BYTES


@dataclass(slots=True)
class StepLog:
    """The pieces of one step's log. Each begins with a line feed."""

    budget: LogBudget
    _begin: list[bytes] = field(default_factory=list)
    _begin_bytes: int = 0
    _end: deque[bytes] = field(default_factory=deque)
    _end_bytes: int = 0
    _left_out: int = 0

    def add(self, piece: bytes) -> None:
        """Add whole lines, each with a line feed before it."""
        room = min(BEGIN_BYTES - self._begin_bytes, self.budget.left_bytes)
        if not self._end and len(piece) <= room:
            self._keep(piece)
            return
        if not self._end and room > 0:
            # Cut between two lines, so that no name and no secret is cut.
            place = max(0, piece.rfind(b"\n", 0, room))
            self._keep(piece[:place])
            piece = piece[place:]
        most = END_BYTES if self.budget.left_bytes >= END_BYTES else END_BYTES_WHEN_FULL
        if len(piece) > most:
            place = piece.find(b"\n", len(piece) - most)
            place = len(piece) - most if place < 0 else place
            self._left_out += place
            piece = piece[place:]
        self._end.append(piece)
        self._end_bytes += len(piece)
        while self._end_bytes - len(self._end[0]) >= most:
            dropped = len(self._end.popleft())
            self._end_bytes -= dropped
            self._left_out += dropped

    def _keep(self, piece: bytes) -> None:
        self._begin.append(piece)
        self._begin_bytes += len(piece)
        self.budget.left_bytes -= len(piece)

    def text(self, bare: Callable[[bytes], bytes]) -> bytes:
        """What is kept, with a line where the middle was left out. bare: removes what stands before each line."""
        pieces = [bare(b"".join(self._begin))]
        if self._left_out:
            pieces.append(b"\n" + CUT_HERE.format(count=self._left_out).rstrip("\n").encode())
        pieces.append(bare(b"".join(self._end)))
        text = b"".join(pieces)
        return text[1:] + b"\n" if text else b""
