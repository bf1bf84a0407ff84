"""Finds folders that come with the kit: beside the package in a checkout, inside it when installed from a wheel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["shipped_folder", "shipped_places"]


def shipped_places(room: str, name: str) -> tuple[Path, Path]:
    """Where a folder of that name may be: in the checkout, or in a room of the package. room: `__file__` of its module."""
    package = Path(room).resolve().parent
    return package.parent.parent / name, package / name


def shipped_folder(places: Iterable[Path], mark: str) -> Path | None:
    """The first of the places that holds a file called `mark`; None where none does, or this user may not look into it."""
    for folder in places:
        with contextlib.suppress(OSError):
            if (folder / mark).is_file():
                return folder
    return None
