"""Removes what speedkit made and nothing uses, and nothing else: images and containers, and parts of its state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speedkit.apps import FolderInUse, remove_unused_copies, typed_text_folders
from speedkit.engine import Engine, Kept, Removed, remove_own
from speedkit.messages import message
from speedkit.ownership import discard, living_owners
from speedkit.recordings import NUMBER_FILE
from speedkit.state import state_folder

from .apt_files import remove_apt_files

__all__ = ["Cleaned", "clean", "why_apt_file_stays", "why_copy_stays"]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How much was removed. in_use: the working copies that stayed, kept: the images and containers.

    typed: folders with what was typed in copies whose program ended before they were closed.
    apt_removed, apt_kept: the files below /etc/apt that set-up wrote: those that are gone, those that somebody has changed.
    """

    images: int
    containers: int
    recordings: int
    in_use: tuple[FolderInUse, ...] = ()
    kept: tuple[Kept, ...] = ()
    typed: tuple[Path, ...] = ()
    apt_removed: tuple[Path, ...] = ()
    apt_kept: tuple[Path, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `speedkit clean --json` prints it."""
        typed = [str(folder) for folder in self.typed]
        left = [{"what": one.what, "because": one.because, "by": list(one.by), "said": one.sentence} for one in self.kept]
        left += [
            {"what": str(one.path), "because": "in use", "by": [str(one.owner)], "said": why_copy_stays(one)}
            for one in self.in_use
        ]
        left += [
            {"what": str(path), "because": "changed", "by": [], "said": why_apt_file_stays(path)} for path in self.apt_kept
        ]
        removed = {"images": self.images, "containers": self.containers, "recordings": self.recordings}
        return removed | {"apt_files": [*map(str, self.apt_removed)], "left": left, "typed": typed}


def why_copy_stays(left: FolderInUse) -> str:
    """Why a working copy stays."""
    return message("{path} is in use ({owner}): it stays.", path=left.path, owner=left.owner)


def why_apt_file_stays(path: Path) -> str:
    """Why a file that set-up wrote stays."""
    return message("{path} stays: somebody has changed it, or only root may remove it.", path=path)


def clean(engine: Engine | None, *, recordings: bool, apt_files: bool = False) -> Cleaned:
    """Remove the kit's containers, images and those working copies that nobody uses.

    engine: None leaves images alone. recordings: remove these as well, and what was typed in copies of dead processes.
    apt_files: remove what set-up wrote below /etc/apt.
    """
    state_folder()  # first, so that nothing is removed where the state folder cannot be reached
    done = remove_own(engine) if engine else Removed()
    in_use = remove_unused_copies()
    removed = _remove_recordings() if recordings else 0
    for typed in typed_text_folders() if recordings else ():
        discard(typed)
    apt_removed, apt_kept = remove_apt_files() if apt_files else ([], [])
    counts = (done.images, done.containers, removed)
    return Cleaned(*counts, in_use, tuple(done.kept), typed_text_folders(), tuple(apt_removed), tuple(apt_kept))


def _remove_recordings() -> int:
    """How many were removed. One that another process is writing just now stays, and so does their folder.

    The last number stays, too: a build under way has one already, and those that begin later need greater ones.
    """
    folder = state_folder("recordings").resolve()
    entries = list(folder.iterdir())
    in_use = {path for owner in living_owners() for path in owner.paths}
    gone = [entry for entry in entries if entry not in in_use and entry.name != NUMBER_FILE]
    for entry in gone:
        discard(entry)
    return sum(1 for entry in gone if not entry.name.startswith("."))
