"""Working copies and what goes with them, when nobody uses them any more."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from speedkit import ownership
from speedkit.ownership import Owner
from speedkit.state import state_folder

__all__ = ["DISPOSABLE", "InUse", "remove_unused_copies", "sweep_leftovers"]

DISPOSABLE = ("work", "host-caches", "dockerfiles")
"""The parts of the state folder in which every entry belongs to an app that somebody works with, or to nobody."""


@dataclass(frozen=True, slots=True)
class InUse:
    """A folder that was left because a living process uses it."""

    path: Path
    owner: Owner

    def __str__(self) -> str:
        return f"{self.path} is in use ({self.owner})"


def sweep_leftovers() -> list[Path]:
    """Remove what dead processes left: copies, caches, temporary files, recordings half written. The paths removed."""
    return ownership.sweep()


def remove_unused_copies() -> tuple[InUse, ...]:
    """Remove every working copy, and what goes with it, that no living process owns; those left.

    Raises: StateRefused.
    """
    sweep_leftovers()
    owners = {path: owner for owner in ownership.living_owners() for path in owner.paths}
    used = []
    for part in DISPOSABLE:
        folder = state_folder(part).resolve()
        for entry in folder.iterdir():
            if entry in owners:
                used.append(InUse(entry, owners[entry]))
            else:
                ownership.discard(entry)
        with contextlib.suppress(OSError):
            folder.rmdir()
    return tuple(used)
