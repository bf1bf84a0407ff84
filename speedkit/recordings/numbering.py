"""Numbers for recordings. Each is greater than the last, and no two processes get the same one.

A file beside the recordings has the last number. It always has the same length and is overwritten in place, which works on a
full disk, too.
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
    """The next number of a folder. The folder is made if it is missing.

    highest: gives the highest number in use; called only where the file is missing or damaged.
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
    """The file, open and locked against other processes. The operating system removes the lock when this process ends."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            # A byte behind the text, since Windows lets nobody read a locked byte. LK_LOCK waits up to ten seconds.
            os.lseek(file, 1 << 20, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_LOCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)
