"""Collects the progress of one foreign build within the limits of a recording."""

from __future__ import annotations

from collections.abc import Iterable

from speedkit.errors import BuildRecordError
from speedkit.messages import message
from speedkit.recordings import LogLimit

__all__ = ["ProgressLines"]

REPORTS_BYTES = 32 << 20
"""The bytes of lines after which reports of transfers are left out: a build of hours sends them by the hundred megabytes."""
BYTES_AT_MOST = 128 << 20


class ProgressLines:
    """The lines of rawjson so far. lines: without the middle of a log that is too long (`speedkit.recordings.LogLimit`)."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._limit = LogLimit()
        self._bytes = 0

    def add(self, line: bytes) -> None:
        """Add a line. Raises: BuildRecordError when the build has more of them than any build leaves."""
        if self._bytes > REPORTS_BYTES and b'"vertexes"' not in line and b'"logs"' not in line:
            return
        for kept in self._limit.lines(line):
            self.lines.append(kept)
            self._bytes += len(kept)
        if self._bytes > BYTES_AT_MOST:
            raise BuildRecordError(
                message("The progress in it has more than {mib} MiB; no more is read.", mib=BYTES_AT_MOST >> 20)
            )

    def add_all(self, lines: Iterable[bytes]) -> None:
        """Add the lines of a whole build."""
        for line in lines:
            self.add(line)
        self.lines.extend(self._limit.rest())
