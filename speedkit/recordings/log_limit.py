"""Limits the log of a build to a size that fits into memory: each step keeps its beginning and its end.

An engine clips the log of a step at 2 MB by default. With `BUILDKIT_STEP_LOG_MAX_SIZE=-1` it does not, so a step may print
gigabytes, which the kit would hold, show and record. In: the raw lines of a build. Out: the same lines without the middle of
a log that is too long. A line in the step's own log says where that was, and how long.
"""

from __future__ import annotations

import json
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CUT_HERE", "LogLimit", "limited"]

STEP_BYTES = 4 << 20
"""More than the 2 MB that an engine lets through by default, so that only other engines are cut here."""
BUILD_BYTES = 16 << 20
END_BYTES = 128 << 10
END_BYTES_WHEN_FULL = 16 << 10
TEXT_BYTES = 1 << 20
TEXT_LINE_BYTES = 4096
LAST_LINES = 100
CUT_HERE = "[speedkit left out {count:,} bytes of this log here]\n"


@dataclass(slots=True)
class _Step:
    """The state of one step's log.

    passed: the bytes handed on. is_full: no more is handed on before the step ends. end: the last pieces since then, end_bytes
    together. left_out: the bytes that were dropped in between. entry: the last log entry, as the frame for the end.
    """

    passed: int = 0
    is_full: bool = False
    end: deque[bytes] = field(default_factory=deque)
    end_bytes: int = 0
    left_out: int = 0
    entry: dict[str, Any] = field(default_factory=dict)


class LogLimit:
    """Hands on the lines of one build, within the limits. has_cut: whether a part of a log or of the text was left out."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._passed = self._text_bytes = self._text_left_out = 0
        self._last_lines: deque[bytes] = deque(maxlen=LAST_LINES)
        self._waiting = 0
        self.has_cut = False

    def lines(self, line: bytes) -> list[bytes]:
        """The lines to keep in place of one line. The end of a log comes before the line that completes its step."""
        if not line.startswith(b"{"):
            return self._text(line)
        # A line is parsed only when it has logs, or may end a step whose log is held back.
        has_logs = b'"logs"' in line
        if not has_logs and not self._waiting:
            return [line]
        try:
            status = json.loads(line)
        except (ValueError, RecursionError):
            return [line]
        if not isinstance(status, dict):
            return [line]
        vertices = status.get("vertexes")
        ends = [
            end
            for vertex in (vertices if isinstance(vertices, list) else [])
            if isinstance(vertex, dict) and "completed" in vertex
            for end in self._end_of(vertex.get("digest"))
        ]
        logs = status.get("logs")
        if not has_logs or not isinstance(logs, list):
            return [*ends, line]
        kept = [entry for entry in map(self._kept, logs) if entry is not None]
        return [*ends, line if kept == logs else _line(status | {"logs": kept})]

    def rest(self) -> list[bytes]:
        """The ends of the logs of steps that never ended, and the last lines of the text."""
        ends = [end for digest in list(self._steps) for end in self._end_of(digest)]
        last, self._last_lines = list(self._last_lines), deque(maxlen=LAST_LINES)
        if self._text_left_out:
            self.has_cut = True
            last.insert(0, CUT_HERE.format(count=self._text_left_out).encode())
            self._text_left_out = 0
        return [*ends, *last]

    def _text(self, line: bytes) -> list[bytes]:
        """A line of plain text. The last ones say why a build failed, so these are kept; an excerpt of a file may be long."""
        if len(line) > TEXT_LINE_BYTES:
            line = line[:TEXT_LINE_BYTES] + b" [the rest of this line is left out]\n"
        if not self._last_lines and self._text_bytes + len(line) <= TEXT_BYTES:
            self._text_bytes += len(line)
            return [line]
        if len(self._last_lines) == LAST_LINES:
            self._text_left_out += len(self._last_lines[0])
        self._last_lines.append(line)
        return []

    def _kept(self, entry: Any) -> Any:
        """An entry of a log; its beginning where it does not fit as a whole; None where nothing of it fits."""
        if not isinstance(entry, dict) or not isinstance(entry.get("data"), str):
            return entry
        try:
            data = a2b_base64(entry["data"])
        except (Base64Error, ValueError):
            return entry
        step = self._steps.setdefault(str(entry.get("vertex", "")), _Step())
        room = min(STEP_BYTES - step.passed, BUILD_BYTES - self._passed)
        if not step.is_full and len(data) <= room:
            step.passed += len(data)
            self._passed += len(data)
            return entry
        # Cut between two lines where there are two, so that no name and no secret is cut.
        place = 0 if step.is_full else data.rfind(b"\n", 0, max(0, room)) + 1
        step.is_full = True
        step.passed += place
        self._passed += place
        self._hold_back(step, data[place:], entry)
        return entry | {"data": b64encode(data[:place]).decode()} if place else None

    def _hold_back(self, step: _Step, data: bytes, entry: dict[str, Any]) -> None:
        self._waiting += not step.end
        step.entry = entry
        step.end.append(data)
        step.end_bytes += len(data)
        most = END_BYTES if self._passed < BUILD_BYTES else END_BYTES_WHEN_FULL
        # Whole pieces are dropped: joining and cutting at each piece would take quadratic time.
        while step.end_bytes - len(step.end[0]) >= most:
            dropped = len(step.end.popleft())
            step.end_bytes -= dropped
            step.left_out += dropped
        # One piece may be much larger than the limit by itself.
        if step.end_bytes > 2 * most:
            data = b"".join(step.end)
            step.left_out += len(data) - most
            step.end, step.end_bytes = deque([data[-most:]]), most

    def _end_of(self, digest: Any) -> Iterator[bytes]:
        step = self._steps.get(str(digest))
        if step is None or not step.end:
            return
        self._waiting -= 1
        data = b"".join(step.end)
        if step.left_out:
            self.has_cut = True
            begin = data.find(b"\n") + 1
            data = CUT_HERE.format(count=step.left_out + begin).encode() + data[begin:]
        step.end, step.end_bytes, step.left_out = deque(), 0, 0
        yield _line({"logs": [step.entry | {"data": b64encode(data).decode()}]})


def limited(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a whole build within the limits."""
    limit = LogLimit()
    for line in lines:
        yield from limit.lines(line)
    yield from limit.rest()


def _line(status: dict[str, Any]) -> bytes:
    return json.dumps(status).encode() + b"\n"
