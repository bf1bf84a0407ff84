"""Folds the lines of `buildx build --progress=rawjson` into vertices.

In: the lines as they came, one SolveStatus each (moby/buildkit, client/graph.go), or plain text where BuildKit quotes an error.
Out: a `Vertex` per digest. Oddities of the format: a vertex may start and complete several times (the first pair is a cache
probe of microseconds), times are by the daemon's clock, and log data is base64 that may be cut anywhere, even inside of a
character.
"""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

__all__ = ["Solve", "Vertex", "read_log_times", "read_rawjson", "read_status"]

LARGEST_NUMBER = 1 << 63
"""BuildKit counts with int64. Python would read any number, and fail later where the number is shown."""

Span = tuple[float, float | None]


@dataclass(slots=True)
class Vertex:
    """The reports so far about one digest.

    spans: by the text of their start; start and end in seconds since the epoch by the daemon's clock. An end of None is open.
    transfers: bytes so far, by status id. group: links the two vertices of a `COPY --link`.
    """

    digest: str
    name: str = ""
    inputs: tuple[str, ...] = ()
    group: str = ""
    cached: bool = False
    error: str | None = None
    spans: dict[str, Span] = field(default_factory=dict)
    log_chunks: list[bytes] = field(default_factory=list)
    transfers: dict[str, int] = field(default_factory=dict)
    log_bytes: int = 0

    @property
    def started(self) -> float | None:
        return min((start for start, _ in self.spans.values()), default=None)

    @property
    def is_open(self) -> bool:
        return any(end is None for _, end in self.spans.values())

    def seconds(self, now: float | None = None) -> float:
        """Seconds that the vertex ran; overlaps count once, and an open span lasts until `now`."""
        total, reached = 0.0, float("-inf")
        for start, end in sorted((start, end if end is not None else now) for start, end in self.spans.values()):
            if end is None:
                continue
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return total

    @property
    def bytes_fetched(self) -> int:
        return sum(self.transfers.values())

    @property
    def log(self) -> str:
        # Joined first: a chunk may end inside of a character.
        return b"".join(self.log_chunks).decode("utf-8", "replace")


@dataclass(slots=True)
class Solve:
    """A stream of rawjson lines, folded so far.

    text: the lines that are not JSON, such as the excerpt and the ERROR line of a failed build. first, last: the earliest and
    the latest time of a vertex, in seconds since the epoch by the daemon's clock.
    """

    vertices: dict[str, Vertex] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    events: int = 0
    first: float | None = None
    last: float | None = None

    def feed(self, line: bytes) -> None:
        """Add one line. A line that is not a SolveStatus is kept as text."""
        status = read_status(line)
        if status is None:
            self.text.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            return
        for entry in _entries(status, "vertexes"):
            self._add_vertex(entry)
        for entry in _entries(status, "statuses"):
            self.events += 1
            current = entry.get("current")
            if isinstance(current, int) and 0 < current < LARGEST_NUMBER:
                transfers, name = self._vertex(entry.get("vertex", "")).transfers, str(entry.get("id", ""))
                transfers[name] = max(transfers.get(name, 0), current)
        for entry in _entries(status, "logs"):
            self.events += 1
            data, vertex = _base64(entry.get("data")), self._vertex(entry.get("vertex", ""))
            vertex.log_chunks.append(data)
            vertex.log_bytes += len(data)
        for entry in _entries(status, "warnings"):
            self.warnings.append(_base64(entry.get("short")).decode("utf-8", "replace"))

    @property
    def error_text(self) -> str:
        """The plain text at the end of a failed build: BuildKit's excerpt of the Dockerfile and its ERROR line."""
        return "\n".join(self.text).strip()

    def _vertex(self, digest: Any) -> Vertex:
        key = str(digest)
        vertex = self.vertices.get(key)
        if vertex is None:
            vertex = self.vertices[key] = Vertex(key)
        return vertex

    def _add_vertex(self, entry: dict[str, Any]) -> None:
        self.events += 1
        vertex = self._vertex(entry.get("digest", ""))
        vertex.name = str(entry.get("name", vertex.name))
        if isinstance(inputs := entry.get("inputs"), list) and inputs:
            vertex.inputs = tuple(str(digest) for digest in inputs)
        # Reports of one vertex differ in what they have: a later one without `cached`, inputs or a start takes nothing back.
        vertex.cached = vertex.cached or bool(entry.get("cached"))
        if error := entry.get("error"):
            vertex.error = str(error)
        if isinstance(group := entry.get("progressGroup"), dict):
            vertex.group = str(group.get("id", ""))
        start = entry.get("started")
        if start is None:
            return
        begun, ended = _seconds(start), _seconds(entry.get("completed"))
        if begun is None:
            return
        # By its start: the report that completes a span repeats the start, and one digest may have several spans.
        vertex.spans[start] = (begun, ended)
        self.first = begun if self.first is None else min(self.first, begun)
        self.last = max(self.last or begun, ended or begun)


def read_rawjson(lines: Iterable[bytes]) -> Solve:
    """A whole stream, folded."""
    solve = Solve()
    for line in lines:
        if line.strip():
            solve.feed(line)
    return solve


def read_log_times(lines: Iterable[bytes], digest: str) -> list[tuple[float, str]]:
    """The log of a vertex in the pieces that came: when, in seconds since the epoch by the daemon's clock, and the text."""
    entries = [
        entry
        for status in map(read_status, lines)
        if status is not None
        for entry in _entries(status, "logs")
        if entry.get("vertex") == digest
    ]
    timed = [(_seconds(entry.get("timestamp")), _base64(entry.get("data")).decode("utf-8", "replace")) for entry in entries]
    return [(seconds, text) for seconds, text in timed if seconds is not None]


def read_status(line: bytes) -> dict[str, Any] | None:
    """The `SolveStatus` in a raw line; None for plain text."""
    if not line.startswith(b"{"):
        return None
    try:
        status = json.loads(line)
    except (ValueError, RecursionError):
        # Text that begins with a brace, or brackets thousands deep: nothing that BuildKit writes about a build.
        return None
    return status if isinstance(status, dict) else None


def _entries(status: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = status.get(key)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _base64(data: Any) -> bytes:
    try:
        return a2b_base64(data) if isinstance(data, str) else b""
    except (Base64Error, ValueError):
        return b""


def _seconds(stamp: Any) -> float | None:
    """Seconds since the epoch of an RFC 3339 time with up to nine digits after the second."""
    if not isinstance(stamp, str):
        return None
    whole, _, rest = stamp.partition(".")
    digits = rest.rstrip("Zz").partition("+")[0].partition("-")[0]
    zone = rest[len(digits) :] if rest else ""
    try:
        if not rest:
            return datetime.fromisoformat(stamp).timestamp()
        base = datetime.fromisoformat(whole + (zone or "Z"))
        return (base + timedelta(seconds=float(f"0.{digits or '0'}"))).timestamp()
    except (ValueError, OverflowError):
        return None
