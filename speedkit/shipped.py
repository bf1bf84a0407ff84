"""Finds the folders that the kit ships: beside the package in a checkout, inside the package in a wheel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["shipped_folder", "shipped_places"]


def shipped_places(room: str, name: str) -> tuple[Path, Path]:
    """The two possible places of a shipped folder: in a checkout, and in a wheel. room: `__file__` of a module of the room."""
    package = Path(room).resolve().parent
    return package.parent.parent / name, package / name


def shipped_folder(places: Iterable[Path], mark: str) -> Path | None:
    """The first place with a file called `mark`; None without one. A place that this user may not read does not count."""
    for folder in places:
        with contextlib.suppress(OSError):
            if (folder / mark).is_file():
                return folder
    return None
