"""Working copies and what goes with them, when nobody uses them any more."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from speedkit import ownership
from speedkit.errors import FileRefused
from speedkit.messages import message, plural
from speedkit.ownership import Owner
from speedkit.state import private_folder, state_home

from .text_files import read_text, write_text

__all__ = [
    "DISPOSABLE",
    "FolderInUse",
    "remove_leftovers",
    "remove_leftovers_and_report",
    "remove_unused_copies",
    "typed_text_folders",
    "typed_text_notice",
]

TYPED = "typed"
KEPT_AT_MOST = 50
KEPT_SECONDS = 30 * 24 * 3600.0
DISPOSABLE = ("work", "host-caches", "dockerfiles")
"""The parts of the state folder in which every entry belongs to an app that somebody works with, or to nobody."""


@dataclass(frozen=True, slots=True)
class FolderInUse:
    """A folder that was left because a living process uses it."""

    path: Path
    owner: Owner

    def __str__(self) -> str:
        return message("{path} is in use ({owner})", path=self.path, owner=self.owner)


def remove_leftovers() -> list[Path]:
    """Remove what dead processes left: copies, caches, temporary files, recordings half written. The paths removed.

    What somebody typed in such a copy is kept, see `typed_text_folders`.
    """
    return ownership.sweep(_keep_typed)


def remove_leftovers_and_report(tell: Callable[[str], None]) -> None:
    """Sweep, and tell where typed text is kept that was found now."""
    before = set(typed_text_folders())
    remove_leftovers()
    for folder in [folder for folder in typed_text_folders() if folder not in before]:
        tell(typed_text_notice(1, folder))


def typed_text_notice(copies: int, folder: Path) -> str:
    """Where the text is kept that was typed in so many working copies."""
    return plural(
        "What was typed in a working copy whose program ended before it was closed is kept in {folder}.",
        "What was typed in {count} working copies whose programs ended before these were closed is kept in {folder}.",
        copies,
        folder=folder,
    )


def typed_text_folders() -> tuple[Path, ...]:
    """Folders with what was typed in working copies whose program ended before they were closed, oldest first."""
    try:
        return tuple(sorted((state_home() / TYPED).iterdir(), key=lambda path: (path.lstat().st_mtime_ns, path.name)))
    except OSError:
        return ()


def _keep_typed(folder: Path, names: Sequence[str]) -> None:
    """Move the files that hold what somebody typed out of a folder that is to go. Raises: OSError."""
    for name in names:
        try:
            text = read_text(folder, name)
        except FileRefused:
            continue  # it is gone, or no text
        try:
            kept = private_folder(state_home() / TYPED / folder.name)
            write_text(kept, name, text)
            (kept / name).chmod(stat.S_IRUSR | stat.S_IWUSR)
        except FileRefused as problem:
            raise OSError(str(problem)) from None
    old = time.time() - KEPT_SECONDS
    folders = typed_text_folders() if names else ()
    for number, kept in enumerate(reversed(folders)):
        if number >= KEPT_AT_MOST or kept.lstat().st_mtime < old:
            ownership.discard(kept)


def remove_unused_copies() -> tuple[FolderInUse, ...]:
    """Remove every working copy, and what goes with it, that no living process owns; those left.

    The folders that hold them stay: another process may be about to make something in one.
    """
    remove_leftovers()
    # In this order: what somebody makes is claimed first, so what is listed and claimed by nobody is nobody's.
    entries = [entry for part in DISPOSABLE for entry in _entries((state_home() / part).resolve())]
    owners = {path: owner for owner in ownership.living_owners() for path in owner.paths}
    for entry in entries:
        if entry not in owners:
            ownership.discard(entry)
    return tuple(FolderInUse(entry, owners[entry]) for entry in entries if entry in owners)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
