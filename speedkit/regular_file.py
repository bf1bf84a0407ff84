"""Reads foreign files safely: never waits for a pipe, never reads a device, never reads more than a limit.

A build context may hold pipes and devices; a plain `open` of one can wait for ever or have side effects.
"""

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
    """An existing file that is not regular, or is too large. `strerror` is a sentence for the user."""

    def __init__(self, path: Path | str, words: str, number: int = errno.EINVAL) -> None:
        super().__init__(number, words, os.fspath(path))


def kind_in_words(mode: int) -> str:
    """The kind of a file, such as `a pipe` or `a device`. mode: `st_mode` of `os.stat`."""
    for is_kind, words in KINDS:
        if is_kind(mode):
            return message(words)
    return message("a file")


def open_regular(path: Path | str, *, follow_symlinks: bool = True) -> tuple[int, os.stat_result]:
    """A descriptor for reading a regular file, and its `os.fstat`. The caller closes the descriptor.

    follow_symlinks: False for callers that know the file's kind already. Raises: NotReadable for anything but a regular
    file, without opening a device; OSError.
    """
    if follow_symlinks:
        _require_regular(path, Path(path).stat().st_mode)
    # A pipe may have replaced the file since: without O_NONBLOCK, opening a pipe waits for a writer.
    descriptor = os.open(path, FLAGS if follow_symlinks else FLAGS | NO_LINK)
    try:
        status = os.fstat(descriptor)
        _require_regular(path, status.st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def read_regular(path: Path | str, *, at_most_bytes: int) -> bytes:
    """The content of a regular file. Raises: NotReadable when it is not regular or has more bytes; OSError."""
    descriptor, status = open_regular(path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        pieces = []
        # One byte more than the limit shows that a file has grown since its `fstat`, or that /proc gave it the size 0.
        left = 0 if status.st_size > at_most_bytes else at_most_bytes + 1
        while left > 0 and (piece := os.read(file.fileno(), min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
    data = b"".join(pieces)
    if status.st_size > at_most_bytes or len(data) > at_most_bytes:
        size, limit = max(status.st_size, len(data)) / 1e6, at_most_bytes / 1e6
        words = message("It has {size:.1f} MB, and at most {limit:.0f} MB are read", size=size, limit=limit)
        raise NotReadable(path, words, errno.EFBIG)
    return data


def _require_regular(path: Path | str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotReadable(path, message("It is {kind}, not a file", kind=kind_in_words(mode)))
