"""Working copies: a folder of one's own to edit, with a name that BuildKit has never seen, and what was changed in it.

A copy holds the whole folder, ignored files too, since a `.dockerignore` may be edited, with links, modes and times. Hard
links would be quicker to make, but an edit would then reach the user's file. Left out are only the folders that tools fill
by themselves (`.git`, `node_modules` …), and only where no Dockerfile's build context holds them. Sockets, pipes and
devices are left out as well: they cannot be copied.
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from speedkit.apps.files import NOT_LISTED, entry_inside, move_time_forward
from speedkit.apps.leftovers import sweep_leftovers
from speedkit.context import IgnorePatterns, read_ignore_file
from speedkit.errors import DiskFull, FileRefused
from speedkit.ownership import claim, discard
from speedkit.state import state_folder

__all__ = ["changed_files", "restore", "working_copy"]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def working_copy(source: Path, dockerfiles: Sequence[Path]) -> Path:
    """A copy of a folder with its links, modes and times, under a name never used before.

    BuildKit recognises a context by the name of its folder and then compares sizes and times only, so a copy under a known
    name could be taken for the other one. dockerfiles: those that it will be built by.
    Raises: DiskFull; FileRefused for a file that cannot be read; Misuse for an ignore pattern that BuildKit rejects.
    """
    copy = state_folder("work") / f"{source.name}-{uuid.uuid4().hex[:12]}"
    sweep_leftovers()
    claim(copy)
    ignoring = [_ignore_patterns(source, dockerfile) for dockerfile in dockerfiles]

    def left_out(place: str, names: list[str]) -> list[str]:
        folder = Path(place)
        return [name for name in names if _is_special(folder / name) or _is_unused(folder / name, source, ignoring)]

    try:
        shutil.copytree(source, copy, symlinks=True, ignore=left_out)
    except OSError as problem:
        discard(copy)
        raise _refusal(source, problem) from None
    return copy


def _is_special(path: Path) -> bool:
    mode = path.lstat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def _is_unused(path: Path, source: Path, ignoring: Sequence[IgnorePatterns]) -> bool:
    """A tool's own folder that is in no build context."""
    if path.name not in NOT_LISTED or not path.is_dir():
        return False
    name = path.relative_to(source).as_posix()
    return all(patterns.match(name, ())[0] and not patterns.may_hold_exceptions(name) for patterns in ignoring)


def _ignore_patterns(source: Path, dockerfile: Path) -> IgnorePatterns:
    for place in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), source / ".dockerignore"):
        if place.is_file():
            lines = read_ignore_file(place.read_text(encoding="utf-8", errors="surrogateescape"))
            return IgnorePatterns(lines, origin=place.name)
    return IgnorePatterns(())


def _refusal(source: Path, problem: OSError) -> DiskFull | FileRefused:
    """`shutil.Error` tells every file that failed as (from, to, why); the first one is told."""
    if isinstance(problem, shutil.Error):
        place, _, why = problem.args[0][0]
        no_room = os.strerror(errno.ENOSPC) in why
    else:
        place, why, no_room = problem.filename or source, problem.strerror, problem.errno in NO_ROOM
    if no_room:
        return DiskFull(f"{source} could not be copied: {why}.", fix="Free some room.")
    return FileRefused(f"{place} could not be copied: {why}.", fix="Make it readable, or move it out of the folder.")


def changed_files(source: Path, copy: Path) -> tuple[str, ...]:
    """Names of the files and links that differ between a folder and its working copy, sorted."""
    names = {*_entries(copy), *_entries(source, copied_to=copy)}
    return tuple(sorted(name for name in names if not _are_equal(source / name, copy / name)))


def _entries(folder: Path, *, copied_to: Path | None = None) -> Iterator[str]:
    """Names of the files and links below a folder. copied_to: a tool's folder that is not there was left out, not removed."""
    for place, folders, names in os.walk(folder):
        within = Path(place).relative_to(folder)
        links = [name for name in folders if (folder / within / name).is_symlink()]
        folders[:] = [
            name
            for name in folders
            if name not in links and not (copied_to and name in NOT_LISTED and not (copied_to / within / name).is_dir())
        ]
        yield from ((within / name).as_posix() for name in (*names, *links) if not _is_special(folder / within / name))


def _are_equal(one: Path, other: Path) -> bool:
    """Equal in kind, mode and content. An edit always moves the time of change: what has the same one is not read."""
    try:
        first, second = one.lstat(), other.lstat()
    except OSError:
        return False
    if first.st_mode != second.st_mode:
        return False
    if stat.S_ISLNK(first.st_mode):
        return one.readlink() == other.readlink()
    if first.st_size != second.st_size:
        return False
    return first.st_mtime_ns == second.st_mtime_ns or filecmp.cmp(one, other, shallow=False)


def restore(source: Path, copy: Path, name: str) -> None:
    """Make one file or link of a working copy what it is in the folder it was copied from; gone, if it is not there.

    Raises: FileRefused when the name leads out of the folder, or the file cannot be restored.
    """
    original, changed = entry_inside(source, name), entry_inside(copy, name)
    try:
        if not os.path.lexists(original):
            changed.unlink(missing_ok=True)
            _remove_new_folders(source, copy, changed.parent)
            return
        changed.parent.mkdir(parents=True, exist_ok=True)
        before = changed.lstat().st_mtime_ns if os.path.lexists(changed) else 0
        if original.is_symlink() or changed.is_symlink():
            changed.unlink(missing_ok=True)
        shutil.copy(original, changed, follow_symlinks=False)
    except OSError as problem:
        raise FileRefused(f"{name} cannot be put back: {problem.strerror}.") from None
    if not changed.is_symlink():
        move_time_forward(changed, before)


def _remove_new_folders(source: Path, copy: Path, folder: Path) -> None:
    """Empty folders count in a build context: those that were not there at first go with their last file."""
    while folder.is_relative_to(copy) and not (source / folder.relative_to(copy)).exists() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
