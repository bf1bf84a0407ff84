"""A lock on the folder of a report, so that two tours never write to the same one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speedkit.errors import StateBusy
from speedkit.messages import message

__all__ = ["locked"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs. When the process ends, the operating system releases the lock.

    Raises: StateBusy when another process holds it.
    """
    with path.open("a+b") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateBusy(
                message("Another tour is writing to {folder}.", folder=path.parent.resolve()),
                fix=message("Wait for it, or choose another folder with --out."),
            ) from None
        # The file is never removed: a third tour could then make and lock a new file while a second one holds the old one.
        yield
