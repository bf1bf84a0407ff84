"""Keeps recordings within their limit: removes the oldest first, but none that a forecast still needs.

A recording is renamed before it is removed, so that nobody ever reads half of it. The sizes of recordings are kept in a file,
since otherwise thousands of files would be looked at after each build. A recording that was completed since
(`complete_recording`) has a new time of change on its folder.

    <recordings>/.sizes     JSON: of each recording, by its name, [bytes, time of change in ns]; may be lost at any time

Files of somebody else in the folder are neither counted nor removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from speedkit.budget import bytes_to_keep
from speedkit.regular_file import read_regular
from speedkit.state import open_private

from .recording import Recording, list_recordings

__all__ = ["keep_recordings", "size_of_recordings"]

SIZES = ".sizes"
SIZES_BYTES = 64 << 20
REMOVED = ".removed-"
NEEDED = 40
"""How many recordings of one strategy in one folder a forecast reads (speedkit.history.relevant_builds)."""


def size_of_recordings(folder: Path) -> int:
    """The bytes of all recordings under a folder."""
    return sum(_sizes(folder).values())


def keep_recordings(folder: Path, limit: int) -> list[str]:
    """The ids of the recordings that were removed: the oldest, until the others are within the limit, in bytes.

    The newest recording of each strategy stays as long as its folder is there, and so does the newest of all. A cold build in
    the user's own folder does not count as the newest of its strategy: it had a cache of its own, so no later forecast uses it.
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
        # Another process may have removed it first, which makes room as well.
        if not recording.folder.exists():
            used -= sizes.get(name, 0)
    return removed


def _removable(recordings: list[Recording]) -> Iterator[Recording]:
    """The recordings that no forecast needs, in the order in which they are removed. recordings: oldest first.

    First those that no forecast reads, then all but the newest of each strategy, then those whose folder is gone.
    """
    kept = recordings[:-1]
    for needed in (NEEDED, 1):
        # How many later recordings each strategy still has, counted down from the oldest on.
        later = Counter(_lineage(recording) for recording in recordings)
        unneeded = []
        for recording in kept:
            later[_lineage(recording)] -= 1
            # A private cache in a folder that is not a working copy: no later build has it, and the folder never goes away.
            is_cold_in_place = recording.meta.isolation is not None and recording.meta.folder == recording.meta.source
            if later[_lineage(recording)] >= needed or (needed == 1 and is_cold_in_place):
                unneeded.append(recording)
        yield from unneeded
        gone = {recording.folder for recording in unneeded}
        kept = [recording for recording in kept if recording.folder not in gone]
    yield from (recording for recording in kept if not Path(recording.meta.folder).is_dir())


def _lineage(recording: Recording) -> tuple[str | None, ...]:
    meta = recording.meta
    return meta.isolation, meta.folder, meta.strategy, meta.target, meta.builder


def _remove(recording: Path) -> bool:
    """Remove a recording; False where another process did it first."""
    away = recording.with_name(f"{REMOVED}{recording.name}")
    try:
        recording.rename(away)
    except OSError:
        return False
    shutil.rmtree(away, ignore_errors=True)
    return True


def _sizes(folder: Path) -> dict[str, int]:
    """The bytes of each recording, measured where the file of sizes lacks them. Half-removed recordings are removed."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return {}
    noted = _noted(folder)
    sizes: dict[str, tuple[int, int]] = {}
    for entry in entries:
        if entry.name.startswith(REMOVED):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif not entry.name.startswith("."):
            with contextlib.suppress(OSError):  # removed meanwhile
                changed = entry.stat(follow_symlinks=False).st_mtime_ns
                size, then = noted.get(entry.name, (0, None))
                sizes[entry.name] = (size if then == changed else _bytes_of(Path(entry.path)), changed)
    if sizes != noted:
        # Renamed into place: another process may read or write the file at this moment.
        draft = folder / f"{SIZES}-{os.urandom(6).hex()}"
        with contextlib.suppress(OSError):
            try:
                with open_private(draft, "w", encoding="utf-8") as file:
                    json.dump(sizes, file)
                draft.replace(folder / SIZES)
            finally:
                draft.unlink(missing_ok=True)
    return {name: size for name, (size, _) in sizes.items()}


def _noted(folder: Path) -> dict[str, tuple[int, int]]:
    """The file of sizes; nothing of it where it is damaged, since everything in it can be measured again."""
    try:
        noted = json.loads(read_regular(folder / SIZES, at_most_bytes=SIZES_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(noted, dict):
        return {}
    return {
        name: (note[0], note[1])
        for name, note in noted.items()
        if isinstance(note, list) and len(note) == 2 and all(type(part) is int for part in note)
    }


def _bytes_of(recording: Path) -> int:
    """The bytes of a recording's files; fewer where another process is removing it at this moment."""
    size_bytes = 0
    with contextlib.suppress(OSError), os.scandir(recording) as files:
        for file in files:
            with contextlib.suppress(OSError):
                size_bytes += file.stat(follow_symlinks=False).st_size
    return size_bytes
