"""Reads all builds of a log, whichever builder made them: a job of CI may run several, and wrap them in output of its own.

In: the bytes of a log. Out: its builds in the order of their first lines. The log is read once, by the readers of all formats.
"""

from __future__ import annotations

from typing import BinaryIO

from .classic_log import ClassicLogReader
from .console_log import ConsoleLogReader
from .foreign_build import ForeignBuild
from .log_lines import read_blocks
from .plain_log import PlainLogReader

__all__ = ["read_text_log"]


def read_text_log(stream: BinaryIO) -> tuple[ForeignBuild, ...]:
    """The builds of a log; empty where it has none."""
    readers = (PlainLogReader(), ClassicLogReader(), ConsoleLogReader())
    for block in read_blocks(stream):
        for reader in readers:
            reader.feed(block)
    builds = [one for reader in readers for one in reader.builds()]
    return tuple(build for _, build in sorted(builds, key=lambda one: one[0]))
