"""Keeps recordings within their limit: the oldest go first, but none that a forecast still needs.

What is removed is renamed first, in one step, so that nobody ever reads half a recording. The sizes of recordings are noted:
else thousands of files would be looked at after each build. The time when a recording's folder changed tells whether it was
completed since (`complete_recording`).

    <recordings>/.sizes     JSON: of each recording, by its name, [bytes, time of change in ns]; may be lost at any time

What somebody else put into the folder is no recording: it is neither counted nor removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from speedkit.budget import bytes_to_keep
from speedkit.regular_file import read_regular
from speedkit.state import open_private

from .recording import Recording, list_recordings

__all__ = ["keep_recordings", "size_of_recordings"]

SIZES = ".sizes"
SIZES_BYTES = 64 << 20
REMOVED = ".removed-"
NEEDED = 40
"""How many recordings of a strategy in a folder a forecast looks back on (speedkit.history.relevant_builds)."""


def size_of_recordings(folder: Path) -> int:
    """The bytes of all recordings under a folder."""
    return sum(_sizes(folder).values())


def keep_recordings(folder: Path, limit: int) -> list[str]:
    """Remove the oldest recordings until the others are within the limit, in bytes. Returns the ids of those removed.

    The newest recording of each strategy stays as long as its folder is there, and so does the newest of all. A build from
    cold in the user's own folder does not count as such: its cache was its own, so no later forecast rests on it.
    """
    sizes = _sizes(folder)
    removed: list[str] = []
    if sum(sizes.values()) <= limit:
        return removed
    recordings = list_recordings(folder)
    used = sum(sizes.get(recording.folder.name, 0) for recording in recordings)
    if used <= limit:
        return removed
    for recording in _removable(recordings):
        if used <= bytes_to_keep(limit):
            break
        name = recording.folder.name
        if _remove(recording.folder):
            removed.append(name)
        # Another process that keeps the limit at this moment may have been first: that makes room as well.
        if not recording.folder.exists():
            used -= sizes.get(name, 0)
    return removed


def _removable(recordings: list[Recording]) -> Iterator[Recording]:
    """The recordings that no forecast needs, in the order in which they are removed. recordings: oldest first."""
    kept = recordings[:-1]
    for needed in (NEEDED, 1):
        later = Counter(_lineage(recording) for recording in recordings)
        going = []
        for recording in kept:
            later[_lineage(recording)] -= 1
            if later[_lineage(recording)] >= needed or (needed == 1 and _is_from_cold_in_place(recording)):
                going.append(recording)
        yield from going
        gone = {recording.folder for recording in going}
        kept = [recording for recording in kept if recording.folder not in gone]
    yield from (recording for recording in kept if not Path(recording.meta.folder).is_dir())


def _lineage(recording: Recording) -> tuple[str | None, ...]:
    meta = recording.meta
    return meta.isolation, meta.folder, meta.strategy, meta.target, meta.builder


def _is_from_cold_in_place(recording: Recording) -> bool:
    """Whether a build had a cache of its own in a folder that is no working copy, and so stays for ever."""
    return recording.meta.isolation is not None and recording.meta.folder == recording.meta.source


def _remove(recording: Path) -> bool:
    """Remove a recording; False where another process was first."""
    away = recording.with_name(f"{REMOVED}{recording.name}")
    try:
        recording.rename(away)
    except OSError:
        return False
    shutil.rmtree(away, ignore_errors=True)
    return True


def _sizes(folder: Path) -> dict[str, int]:
    """The bytes of each recording, measured where they are not noted; what a killed process left half removed goes."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return {}
    noted = _noted(folder)
    found: dict[str, tuple[int, int]] = {}
    for entry in entries:
        if entry.name.startswith(REMOVED):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif not entry.name.startswith("."):
            with contextlib.suppress(OSError):  # removed meanwhile
                changed = entry.stat(follow_symlinks=False).st_mtime_ns
                size, then = noted.get(entry.name, (0, None))
                found[entry.name] = (size if then == changed else _bytes_of(Path(entry.path)), changed)
    if found != noted:
        _write(folder, found)
    return {name: size for name, (size, _) in found.items()}


def _noted(folder: Path) -> dict[str, tuple[int, int]]:
    try:
        noted = json.loads(read_regular(folder / SIZES, at_most_bytes=SIZES_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(noted, dict):
        return {}
    return {name: (note[0], note[1]) for name, note in noted.items() if _is_note(note)}


def _is_note(note: object) -> TypeGuard[list[int]]:
    return isinstance(note, list) and len(note) == 2 and all(type(part) is int for part in note)


def _write(folder: Path, sizes: dict[str, tuple[int, int]]) -> None:
    draft = folder / f"{SIZES}-{os.urandom(6).hex()}"
    with contextlib.suppress(OSError):
        try:
            with open_private(draft, "w", encoding="utf-8") as file:
                json.dump(sizes, file)
            draft.replace(folder / SIZES)
        finally:
            draft.unlink(missing_ok=True)


def _bytes_of(recording: Path) -> int:
    """The bytes of a recording's files; of those that are left, where another process removes it at this moment."""
    size_bytes = 0
    with contextlib.suppress(OSError), os.scandir(recording) as files:
        for file in files:
            with contextlib.suppress(OSError):
                size_bytes += file.stat(follow_symlinks=False).st_size
    return size_bytes
