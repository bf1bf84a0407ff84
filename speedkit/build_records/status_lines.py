"""Writes the steps of a text log as BuildKit's progress, one `SolveStatus` per line, so that one reader reads all builds.

A text log has no digests, so they are made up from the number and the name of a step. Without times in the log, all steps
begin at the epoch: their seconds are right, the time between them is unknown.
Source of the format: https://github.com/moby/buildkit, client/graph.go.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from .log_lines import decoded

__all__ = ["LoggedStep", "status_lines"]

LATEST = 253_000_000_000.0
"""A time in the year 9987, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class LoggedStep:
    """A step, as a text log tells of it.

    started, completed: seconds since the epoch, or since the beginning of the build where the log has no times. completed:
    None for a step that the log does not end. transfers: bytes so far and in all (0: unknown), by what is transferred.
    """

    number: str
    name: str
    started: float
    completed: float | None
    cached: bool = False
    error: str | None = None
    log: bytes = field(default=b"", repr=False)
    transfers: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return "sha256:" + sha256(f"{self.number} {self.name}".encode("utf-8", "surrogatepass")).hexdigest()


def status_lines(step: LoggedStep) -> Iterator[bytes]:
    """The lines of one step: it starts, transfers, prints its log, and ends."""
    vertex: dict[str, object] = {"digest": step.digest, "name": step.name, "started": _stamp(step.started)}
    yield _line({"vertexes": [vertex]})
    last = _stamp(step.completed if step.completed is not None else step.started)
    transfers = [
        {"id": name, "vertex": step.digest, "current": current, "timestamp": last} | ({"total": total} if total else {})
        for name, (current, total) in step.transfers.items()
    ]
    if transfers:
        yield _line({"statuses": transfers})
    if step.log:
        data = b64encode(_utf8(step.log)).decode("ascii")
        yield _line({"logs": [{"vertex": step.digest, "stream": 1, "data": data, "timestamp": last}]})
    if step.completed is not None:
        ended = {**vertex, "completed": last}
        if step.cached:
            ended["cached"] = True
        if step.error:
            ended["error"] = step.error
        yield _line({"vertexes": [ended]})


def _utf8(log: bytes) -> bytes:
    try:
        log.decode("utf-8")
    except UnicodeDecodeError:
        # Only the lines that are not UTF-8 are in CP1252: a log may hold the output of several programs.
        return b"\n".join(decoded(line).encode() for line in log.split(b"\n"))
    return log


def _stamp(seconds: float) -> str:
    # Foreign stamps may lie in the year 1 or 9999, and a step begins before its stamp.
    seconds = min(max(seconds, 0.0), LATEST)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _line(status: Mapping[str, object]) -> bytes:
    return json.dumps(status).encode() + b"\n"
