"""Reads files of which nobody knows what they are: never waits for a pipe, never reads a device, never more than a limit."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from speedkit.messages import marked, message

__all__ = ["NotReadable", "kind_in_words", "open_regular", "read_regular"]

FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
KINDS = (
    (stat.S_ISDIR, marked("a folder")),
    (stat.S_ISFIFO, marked("a pipe")),
    (stat.S_ISSOCK, marked("a socket")),
    (stat.S_ISCHR, marked("a device")),
    (stat.S_ISBLK, marked("a device")),
    (stat.S_ISLNK, marked("a link")),
)


class NotReadable(OSError):
    """A file that is there, but is no regular one or too large. `strerror` says so in words."""

    def __init__(self, path: Path | str, words: str, number: int = errno.EINVAL) -> None:
        super().__init__(number, words, os.fspath(path))


def kind_in_words(mode: int) -> str:
    """`a pipe`, `a device` and so on, for the mode that `os.stat` gives."""
    for is_kind, words in KINDS:
        if is_kind(mode):
            return message(words)
    return message("a file")


def open_regular(path: Path | str, *, follow_symlinks: bool = True) -> tuple[int, os.stat_result]:
    """A descriptor to read a regular file by, and what `os.fstat` says of it.

    Raises: NotReadable for anything else, without opening a device; OSError.
    """
    if follow_symlinks:  # whoever follows none has looked at it already
        _require_regular(path, Path(path).stat().st_mode)
    # Somebody may put a pipe there meanwhile: without O_NONBLOCK, opening it waits for a writer.
    descriptor = os.open(path, FLAGS if follow_symlinks else FLAGS | NO_LINK)
    try:
        status = os.fstat(descriptor)
        _require_regular(path, status.st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def read_regular(path: Path | str, *, at_most_bytes: int) -> bytes:
    """All that a regular file holds.

    Raises: NotReadable when it is not regular, or holds more; OSError.
    """
    descriptor, status = open_regular(path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        data = b"" if status.st_size > at_most_bytes else _read_up_to(file.fileno(), at_most_bytes + 1)
    if status.st_size > at_most_bytes or len(data) > at_most_bytes:
        size, limit = max(status.st_size, len(data)) / 1e6, at_most_bytes / 1e6
        words = message("It has {size:.1f} MB, and at most {limit:.0f} MB are read", size=size, limit=limit)
        raise NotReadable(path, words, errno.EFBIG)
    return data


def _read_up_to(descriptor: int, count: int) -> bytes:
    pieces = []
    while count > 0 and (piece := os.read(descriptor, min(count, 1 << 20))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _require_regular(path: Path | str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotReadable(path, message("It is {kind}, not a file", kind=kind_in_words(mode)))
