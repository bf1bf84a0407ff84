"""`speedkit clean`: removes unused images and containers of the kit, and unused parts of its state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speedkit.apps import FolderInUse, remove_unused_copies, typed_text_folders
from speedkit.engine import Engine, KeptObject, RemovedObjects, remove_own
from speedkit.messages import message
from speedkit.ownership import discard, living_owners
from speedkit.recordings import NUMBER_FILE
from speedkit.state import state_folder

from .apt_files import remove_apt_files

__all__ = ["Cleaned", "clean", "why_apt_file_stays", "why_copy_stays"]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The numbers of removed images, containers and recordings, and what stays.

    in_use: working copies that another process uses. kept: images and containers that stay. typed: folders with texts that
    users typed in working copies whose process ended before they were closed. apt_removed, apt_kept: set-up's files below
    /etc/apt that are gone, and those that stay.
    """

    images: int
    containers: int
    recordings: int
    in_use: tuple[FolderInUse, ...] = ()
    kept: tuple[KeptObject, ...] = ()
    typed: tuple[Path, ...] = ()
    apt_removed: tuple[Path, ...] = ()
    apt_kept: tuple[Path, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `speedkit clean --json` prints it."""
        typed = [str(folder) for folder in self.typed]
        left = [kept.to_json() for kept in self.kept]
        left += [
            {"what": str(copy.path), "because": "in use", "by": [copy.owner.identifier], "said": why_copy_stays(copy)}
            for copy in self.in_use
        ]
        left += [
            {"what": str(path), "because": "changed", "by": [], "said": why_apt_file_stays(path)} for path in self.apt_kept
        ]
        removed = {"images": self.images, "containers": self.containers, "recordings": self.recordings}
        return removed | {"apt_files": [*map(str, self.apt_removed)], "left": left, "typed": typed}


def why_copy_stays(copy: FolderInUse) -> str:
    """The sentence about a working copy that stays."""
    return message("{path} is in use ({owner}): it stays.", path=copy.path, owner=copy.owner)


def why_apt_file_stays(path: Path) -> str:
    """The sentence about a file of set-up that stays."""
    return message("{path} stays: it was changed after set-up, or only root may remove it.", path=path)


def clean(engine: Engine | None, *, recordings: bool, apt_files: bool = False) -> Cleaned:
    """Remove the unused containers, images and working copies of the kit.

    engine: None leaves images and containers alone. recordings: remove recordings as well, and the texts that users typed in
    working copies of dead processes. apt_files: remove set-up's files below /etc/apt.
    Raises: EngineError, StateRefused.
    """
    # Without its state folder the kit cannot tell what is its own. The error must come before the first removal.
    state_folder()
    removed = remove_own(engine) if engine else RemovedObjects()
    copies_in_use = remove_unused_copies()
    recordings_removed = _remove_recordings() if recordings else 0
    for folder in typed_text_folders() if recordings else ():
        discard(folder)
    apt_removed, apt_kept = remove_apt_files() if apt_files else ([], [])
    return Cleaned(
        removed.images,
        removed.containers,
        recordings_removed,
        in_use=copies_in_use,
        kept=tuple(removed.kept),
        typed=typed_text_folders(),
        apt_removed=tuple(apt_removed),
        apt_kept=tuple(apt_kept),
    )


def _remove_recordings() -> int:
    """Remove all recordings but those that a living process is writing. Returns how many are gone."""
    folder = state_folder("recordings").resolve()
    entries = list(folder.iterdir())
    paths_in_use = {path for owner in living_owners() for path in owner.paths}
    # The file with the last number stays: a build under way has a number already, and later builds need greater ones.
    to_remove = [entry for entry in entries if entry not in paths_in_use and entry.name != NUMBER_FILE]
    for entry in to_remove:
        discard(entry)
    # Hidden entries are drafts, not recordings.
    return sum(1 for entry in to_remove if not entry.name.startswith("."))
