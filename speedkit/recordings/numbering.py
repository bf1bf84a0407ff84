"""Numbers for recordings, each greater than the last and given once, whichever process asks.

The last one stands in a file beside the recordings. It is overwritten in place and has always the same length: a disk that
has no room left still takes it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from speedkit.state import private_folder

__all__ = ["NUMBER_FILE", "next_number"]

NUMBER_FILE = ".last-number"
DIGITS = 19


def next_number(folder: Path, *, highest: Callable[[], int]) -> int:
    """The next number of a folder, which is made when missing.

    highest: looks for the highest number in use; asked where the file is missing or damaged.
    Raises: OSError where the folder or its file cannot be written.
    """
    private_folder(folder)
    with _locked(folder / NUMBER_FILE) as file:
        text = os.pread(file, DIGITS, 0) if sys.platform != "win32" else os.read(file, DIGITS)
        number = (int(text) if len(text) == DIGITS and text.isdigit() else highest()) + 1
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, b"%0*d\n" % (DIGITS, number))
        return number


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The open file, which no other process has meanwhile. The operating system lets go of it when this process ends."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            # A byte behind the text, since Windows lets nobody read a locked one; waits up to ten seconds.
            os.lseek(file, 1 << 20, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_LOCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)
