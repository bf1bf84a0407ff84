"""Hides values in the command line of this process, which `ps` shows to every user."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["hide_on_command_line"]

ARGUMENTS_BEGIN, ARGUMENTS_END = 45, 46
"""Fields 48 and 49 of /proc/PID/stat (proc(5)), counted from the field after the program's name."""


def hide_on_command_line(options: Sequence[str]) -> None:
    """Write stars over the values of `NAME=VALUE` in the memory that `ps` reads.

    Only Linux allows it. It is no protection to rely on: the values were visible until now.
    """
    hidden = [option.encode("utf-8", "surrogateescape") for option in options if "=" in option]
    if not hidden or sys.platform != "linux":
        return
    try:
        fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
        begin, end = int(fields[ARGUMENTS_BEGIN]), int(fields[ARGUMENTS_END])
        with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
            memory.seek(begin)
            arguments = before = memory.read(end - begin)
            for option in hidden:
                name, _, value = option.partition(b"=")
                arguments = arguments.replace(option, name + b"=" + b"*" * len(value))
            if arguments != before:
                memory.seek(begin)
                memory.write(arguments)
    except (OSError, ValueError, IndexError, OverflowError):
        return
