"""Keeps recordings within their limit: the oldest go first, but none that a forecast still needs.

What is removed is renamed first, in one step, so that nobody ever reads half a recording. The sizes of recordings are noted,
because each stays as it is: else thousands of files would be looked at after each build.

    <recordings>/.sizes     JSON: the bytes of each recording, by its name; may be lost at any time
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from speedkit.budget import enough
from speedkit.recordings.recording import Recording, list_recordings
from speedkit.state import open_private

__all__ = ["keep_recordings", "size_of_recordings"]

SIZES = ".sizes"
REMOVED = ".removed-"
NEEDED = 40
"""How many recordings of a strategy in a folder a forecast looks back on (speedkit.history.past)."""


def size_of_recordings(folder: Path) -> int:
    """The bytes of all recordings under a folder."""
    return sum(_sizes(folder).values())


def keep_recordings(folder: Path, limit: int) -> list[str]:
    """Remove the oldest recordings until the others are within the limit; the ids of those removed.

    The newest recording of each strategy stays as long as its folder is there, and so does the newest of all. A build from
    cold in the user's own folder does not count as such: its cache was its own, so no later forecast rests on it.
    """
    sizes = _sizes(folder)
    used = sum(sizes.values())
    removed: list[str] = []
    if used <= limit:
        return removed
    for recording in _removable(list_recordings(folder)):
        if used <= enough(limit):
            break
        name = recording.folder.name
        if _remove(recording.folder):
            used -= sizes.pop(name, 0)
            removed.append(name)
    _write(folder, sizes)
    return removed


def _removable(recordings: list[Recording]) -> Iterator[Recording]:
    """Those that can be done without, in the order in which they go. recordings: oldest first."""
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
    """Whether it is gone; another process may have been first."""
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
        names = os.listdir(folder)  # noqa: PTH208 (a name is all that is needed of most)
    except OSError:
        return {}
    noted = _noted(folder)
    sizes = {}
    for name in names:
        if name.startswith(REMOVED):
            shutil.rmtree(folder / name, ignore_errors=True)
        elif not name.startswith("."):
            sizes[name] = noted[name] if name in noted else _bytes_of(folder / name)
    if sizes != noted:
        _write(folder, sizes)
    return sizes


def _noted(folder: Path) -> dict[str, int]:
    try:
        noted = json.loads((folder / SIZES).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: size for name, size in noted.items() if type(size) is int} if isinstance(noted, dict) else {}


def _write(folder: Path, sizes: dict[str, int]) -> None:
    draft = folder / f"{SIZES}-{os.urandom(6).hex()}"
    with contextlib.suppress(OSError):
        try:
            with open_private(draft, "w", encoding="utf-8") as file:
                json.dump(sizes, file)
            draft.replace(folder / SIZES)
        finally:
            draft.unlink(missing_ok=True)


def _bytes_of(recording: Path) -> int:
    return sum(map(_size, _files(recording)))


def _files(recording: Path) -> Iterable[os.DirEntry[str]]:
    try:
        return list(os.scandir(recording))
    except OSError:
        return ()


def _size(file: os.DirEntry[str]) -> int:
    try:
        return file.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
