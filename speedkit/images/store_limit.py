"""Keeps the store of layers within its limit: the least recently used layers are removed first.

A layer that was removed is read from its image again when it is needed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from speedkit.budget import bytes_to_keep, limit_bytes

__all__ = ["keep_layers", "keep_layers_at_the_end", "size_of_layers"]

IN_USE_SECONDS = 60.0
"""A layer that was read or written within this time may be in use."""


def size_of_layers(folder: Path) -> int:
    """The size of a store of layers in bytes."""
    return sum(size for _, size, _ in _files(folder))


def keep_layers(folder: Path, limit: int) -> int:
    """Remove the least recently used files until the store is within the limit, in bytes. Out: the removed bytes."""
    files = sorted(_files(folder))
    used = before = sum(size for _, size, _ in files)
    if used <= limit:
        return 0
    for used_at, size, path in files:
        if used <= bytes_to_keep(limit) or time.time() - used_at < IN_USE_SECONDS:
            break
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            used -= size
    return before - used


@lru_cache(maxsize=4)
def keep_layers_at_the_end(folder: Path) -> None:
    """Keep the limit when this process ends: once, however many layers it stores."""
    atexit.register(lambda: keep_layers(folder, limit_bytes("layers")))


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Time of the last use, bytes and path of each file."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            with contextlib.suppress(OSError):
                status = path.lstat()
                if not name.startswith("."):  # a file that is being written has such a name
                    # By default (relatime), Linux updates the time of reading once a day, which tells old layers from new ones.
                    yield max(status.st_atime, status.st_mtime), status.st_size, path
