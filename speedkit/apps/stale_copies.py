"""Working copies, their caches and strategies of their own, when no living process uses them: they are removed."""

from __future__ import annotations

import contextlib
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
"""The part of the state folder that has typed text of copies that were removed."""
KEPT_AT_MOST = 50
KEPT_SECONDS = 30 * 24 * 3600.0
DISPOSABLE = ("work", "host-caches", "dockerfiles")
"""The parts of the state folder in which each entry belongs to the app of a living process, or can be removed."""


@dataclass(frozen=True, slots=True)
class FolderInUse:
    """A folder that was not removed, because a living process uses it."""

    path: Path
    owner: Owner

    def __str__(self) -> str:
        return message("{path} is in use ({owner})", path=self.path, owner=self.owner)


def remove_leftovers() -> list[Path]:
    """Remove what ended processes left: copies, caches, temporary files, half-written recordings. Out: the removed paths.

    Typed text in such a copy is kept, see `typed_text_folders`.
    """
    return ownership.sweep(_keep_typed_text)


def remove_leftovers_and_report(tell: Callable[[str], None]) -> None:
    """Remove leftovers, and report each folder in which typed text is kept now. tell: gets a sentence per folder."""
    before = set(typed_text_folders())
    remove_leftovers()
    for folder in [folder for folder in typed_text_folders() if folder not in before]:
        tell(typed_text_notice(1, folder))


def typed_text_notice(copies: int, folder: Path) -> str:
    """The sentence on where typed text is kept. copies: the number of working copies it was typed in."""
    return plural(
        "The text that was typed in a working copy is kept in {folder}: its program ended without closing the copy.",
        "The text that was typed in {count} working copies is kept in {folder}: their programs ended without closing them.",
        copies,
        folder=folder,
    )


def typed_text_folders() -> tuple[Path, ...]:
    """The folders with typed text of working copies whose program ended before it closed them, oldest first."""
    try:
        return tuple(sorted((state_home() / TYPED).iterdir(), key=lambda path: (path.lstat().st_mtime_ns, path.name)))
    except OSError:
        return ()


def _keep_typed_text(folder: Path, names: Sequence[str]) -> None:
    """Save files with typed text of a folder that will be removed, and drop the oldest saved ones. Raises: OSError."""
    for name in names:
        try:
            text = read_text(folder, name)
        except FileRefused:
            continue  # the file was removed, or is no text
        try:
            typed_folder = private_folder(state_home() / TYPED / folder.name)
            write_text(typed_folder, name, text)
            (typed_folder / name).chmod(stat.S_IRUSR | stat.S_IWUSR)
        except FileRefused as problem:
            raise OSError(str(problem)) from None
    oldest_time = time.time() - KEPT_SECONDS
    typed_folders = typed_text_folders() if names else ()
    for number, typed_folder in enumerate(reversed(typed_folders)):
        if number >= KEPT_AT_MOST or typed_folder.lstat().st_mtime < oldest_time:
            ownership.discard(typed_folder)


def remove_unused_copies() -> tuple[FolderInUse, ...]:
    """Remove every working copy, with its caches and strategies, that no living process owns. Out: those in use.

    The folders around them stay, because another process may be about to make an entry in one.
    """
    remove_leftovers()
    # First the entries, then their owners: a process claims a folder before it makes it, so an entry without an owner here is
    # not one that a process has just made.
    entries: list[Path] = []
    for part in DISPOSABLE:
        with contextlib.suppress(OSError):
            entries += (state_home() / part).resolve().iterdir()
    owners = {path: owner for owner in ownership.living_owners() for path in owner.paths}
    for entry in entries:
        if entry not in owners:
            ownership.discard(entry)
    return tuple(FolderInUse(entry, owners[entry]) for entry in entries if entry in owners)
