"""Keeps two tours from writing to the same folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from speedkit.errors import StateBusy
from speedkit.messages import message

__all__ = ["locked"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs; the operating system lets go of it when the process ends.

    Raises: StateBusy when another process holds it.
    """
    with path.open("a+b") as file:
        try:
            _lock(file)
        except OSError:
            raise StateBusy(
                message("Another tour is writing to {folder}.", folder=path.parent.resolve()),
                fix=message("Wait for it, or choose another folder with --out."),
            ) from None
        # The file stays: removed, a third tour could make and lock a new one while a second one holds the old.
        yield


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
