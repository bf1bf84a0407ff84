"""Working copies: a private copy of a folder to edit, with a name that BuildKit has never seen, and the changes in it.

A copy has all files of the build contexts of its Dockerfiles, with links, permissions and times. Hard links would be quicker to
make, but an edit would then change the user's file. Of the files that `.dockerignore` excludes, a copy has small ones, to read
and edit. Large ones and folders that cannot be read are left out; they are copied once the ignore file no longer excludes them.
Never copied are the kit's own state folder, wherever it is, and sockets, pipes and devices.
"""

from __future__ import annotations

import errno
import filecmp
import os
import re
import stat
import uuid
from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.cell_output import say_aside
from speedkit.context import IgnorePatterns, ignore_file_of, ignore_patterns_of
from speedkit.errors import DiskFull, FileRefused, Misuse
from speedkit.messages import message
from speedkit.ownership import claim, discard
from speedkit.regular_file import NotReadable
from speedkit.state import state_folder, state_home

from .file_copy import PERMISSIONS, copy_attributes, copy_file, copy_link
from .stale_copies import remove_leftovers_and_report
from .text_files import LARGEST_BYTES, NOT_LISTED, entry_inside, move_time_forward, put_in_place

if TYPE_CHECKING:
    from speedkit.context import Matched

__all__ = ["WorkingCopy", "working_copy"]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
IGNORED_FILES_AT_MOST = 2000
IGNORED_BYTES_AT_MOST = 20_000_000
LONGEST_NAME = 80
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
Stamps = tuple[tuple[Path, int, int], ...]
"""The path, modification time in nanoseconds and size of each ignore file."""


def working_copy(source: Path, dockerfiles: Sequence[Path]) -> WorkingCopy:
    """A copy of a folder with its links, permissions and times, under a new name. Leftovers of ended processes are removed.

    dockerfiles: the Dockerfiles that will build it.
    Raises: DiskFull; FileRefused for a file that cannot be read; Misuse for an ignore pattern that BuildKit rejects, or for the
    kit's own state folder.
    """
    if _identity(source) == _identity(state_folder()):
        raise Misuse(
            message("{source} is speedkit's own state folder.", source=source),
            fix=message("Set SPEEDKIT_HOME to another folder."),
        )
    # A restarted kernel ended without closing its copies. The cell that asks for the next copy reports typed text of them.
    remove_leftovers_and_report(say_aside)
    # BuildKit recognises a build context by the name of its folder, and then compares only sizes, modes and times of files.
    # Under a name that it has seen, it could take old files of another folder for files of this one
    # (docs/buildkit-cache-rules.md, "What BuildKit does not notice").
    name = NOT_IN_A_NAME.sub("_", source.name)[:LONGEST_NAME] or "folder"
    copy = WorkingCopy(source, state_folder("work") / f"{name}-{uuid.uuid4().hex[:12]}")
    contexts = _contexts(source, dockerfiles)
    claim(copy.folder)
    try:
        copy.folder.mkdir(mode=0o700)
        needed = {*dockerfiles, *filter(None, (ignore_file_of(source, dockerfile) for dockerfile in dockerfiles))}
        needed_names = [path.relative_to(source).as_posix() for path in needed if path.is_relative_to(source)]
        copy.fill(_Filling(copy, contexts, needed=needed_names))
    except OSError as problem:
        discard(copy.folder)
        raise _refusal(source, problem) from None
    except BaseException:
        discard(copy.folder)
        raise
    return copy


class WorkingCopy:
    """A copy of a folder. source: the user's folder, which is only read. folder: the copy. left_out: name → why not copied."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.source, self.folder = source, folder
        self.left_out: dict[str, str] = {}
        self.without_rights: list[str] = []
        """Files and folders that lost a setuid, setgid or sticky bit."""
        self._stamps: Stamps = ()

    def fill(self, filling: _Filling) -> None:
        """Copy the files that belong into the copy. Raises: OSError."""
        filling.run()
        self.left_out = filling.left_out

    def complete(self, dockerfiles: Sequence[Path], *, at_most_bytes: int | None = None) -> None:
        """Copy files that were left out and are in a build context now, after an ignore file was edited or added.

        dockerfiles: the Dockerfiles that build the copy now. at_most_bytes: of files; the rest is left for a later call.
        Raises: DiskFull; FileRefused for a file that cannot be copied.
        """
        if not self.left_out:
            return
        stamps = _stamps(self.folder, dockerfiles)
        if stamps == self._stamps:
            return  # each edit of a file asks: nothing is read while no ignore file changed
        try:
            contexts = _contexts(self.folder, dockerfiles)
        except Misuse:
            return  # a wrong pattern, or a file that cannot be read: the build will report it in BuildKit's words
        filling = _Filling(self, contexts, before=dict(self.left_out), at_most_bytes=at_most_bytes)
        try:
            self.fill(filling)
        except OSError as problem:
            raise _refusal(self.source, problem) from None
        if not filling.is_cut_short:
            self._stamps = stamps

    def changed(self) -> tuple[str, ...]:
        """Names of the files and links that differ from the user's folder, sorted."""
        names = {*_entries(self.folder), *_entries(self.source, self.left_out)}
        return tuple(sorted(name for name in names if not _are_equal(self.source / name, self.folder / name)))

    def is_changed(self, name: str) -> bool:
        """Whether one file or link differs from the user's folder."""
        places = (self.source / name, self.folder / name)
        return any(map(os.path.lexists, places)) and not _are_equal(*places)

    def restore(self, name: str) -> None:
        """Restore one file or link from the user's folder; remove it when it is not there.

        Raises: FileRefused when the name leads out of the folder, or the file cannot be restored.
        """
        original, changed = entry_inside(self.source, name), entry_inside(self.folder, name)
        try:
            if not os.path.lexists(original):
                changed.unlink(missing_ok=True)
                self._remove_empty_new_folders(changed.parent)
                return
            changed.parent.mkdir(parents=True, exist_ok=True)
            before = changed.lstat().st_mtime_ns if os.path.lexists(changed) else 0
            # Copied beside the folder, then moved: a build that begins now must not get half of the file.
            beside = self.folder.with_name(f"{self.folder.name}-{uuid.uuid4().hex[:12]}")
            claim(beside)
            try:
                if original.is_symlink():
                    copy_link(os.fspath(original), os.fspath(beside))
                else:
                    copy_file(os.fspath(original), os.fspath(beside))
                    move_time_forward(beside, before)
                put_in_place(beside, changed)
            finally:
                discard(beside)
        except OSError as problem:
            raise FileRefused(
                message("{name} cannot be restored: {problem}.", name=name, problem=problem.strerror),
                fix=message("Check its permissions, and the free space of the disk."),
            ) from None

    def _remove_empty_new_folders(self, folder: Path) -> None:
        """Remove a folder that the user's folder does not have, when it is empty, and such folders above it."""
        # COPY counts the entries of a folder, so an empty folder that stays would be a miss
        # (docs/buildkit-cache-rules.md, "What counts in COPY and ADD").
        while (
            folder.is_relative_to(self.folder)
            and not (self.source / folder.relative_to(self.folder)).exists()
            and not any(folder.iterdir())
        ):
            folder.rmdir()
            folder = folder.parent


@dataclass
class _Place:
    """A folder to copy. path: relative, "" or with a slash at its end. matched: what children inherit, per ignore file."""

    path: str
    matched: tuple[Matched, ...]
    is_ignored: bool


class _Filling:
    """One pass over the user's folder that copies files into a working copy, outer folders first.

    contexts: the ignore patterns of each Dockerfile. needed: names that are copied although a pattern excludes them.
    before: names that an earlier pass left out; only they are looked at. at_most_bytes: of files in the build contexts.
    """

    def __init__(
        self,
        copy: WorkingCopy,
        contexts: Sequence[IgnorePatterns],
        *,
        needed: Iterable[str] = (),
        before: dict[str, str] | None = None,
        at_most_bytes: int | None = None,
    ) -> None:
        self._source, self._target = os.fspath(copy.source), os.fspath(copy.folder)
        self._copy = copy
        self._contexts = contexts
        self._needed = {above for name in needed for above in _with_folders_above(name)}
        self._before = before
        self._folders_of_left_out = {above for name in before or () for above in _with_folders_above(name)}
        self._bytes_left = at_most_bytes
        is_first_pass = before is None
        self._ignored_files_left = IGNORED_FILES_AT_MOST if is_first_pass else 0
        self._ignored_bytes_left = IGNORED_BYTES_AT_MOST if is_first_pass else 0
        self._never_copied = {_identity(place) for place in (state_home(), state_folder("work"), copy.folder)}
        self.left_out: dict[str, str] = {}
        self.is_cut_short = False

    def run(self) -> None:
        """Copy. Raises: OSError for a file in a build context that cannot be copied."""
        waiting = deque([_Place("", tuple(() for _ in self._contexts), is_ignored=False)])
        new_folders = []
        while waiting:
            place = waiting.popleft()
            try:
                with os.scandir(self._source + "/" + place.path) as entries:
                    children = sorted(entries, key=lambda entry: entry.name)
            except OSError as problem:
                if place.is_ignored:
                    self._leave_out(place.path[:-1], problem.strerror or message("it cannot be read"))
                    continue
                raise
            if place.path and self._make_folder(self._target + "/" + place.path):
                new_folders.append(place.path)
            for child in children:
                if self._has_too_many_ignored_files(place):
                    self._leave_out(place.path[:-1], message("an ignore file excludes it"))
                    break
                self._copy_child(child, place, waiting)
        # Last, and inner folders first: files cannot be written into a folder once it is read-only, and writing a file into a
        # folder changes the folder's time.
        for path in reversed(new_folders):
            source = self._source + "/" + path
            status = os.lstat(source)
            self._note_rights(path[:-1], status)
            copy_attributes(source, self._target + "/" + path, status)

    def _make_folder(self, folder: str) -> bool:
        """Make a folder of the copy. Out: False when an earlier pass made it."""
        try:
            os.mkdir(folder, 0o700)  # noqa: PTH102 - ten times as fast as Path
        except FileExistsError:
            if self._before is None:
                raise
            return False
        return True

    def _has_too_many_ignored_files(self, place: _Place) -> bool:
        """Whether the rest of a folder is left out: all builds exclude it, and no more excluded files are copied."""
        if self._before is not None or not place.is_ignored or not self._is_full():
            return False
        return not any(patterns.may_hold_exceptions(place.path[:-1]) for patterns in self._contexts)

    def _is_full(self) -> bool:
        """Whether as many excluded files were copied as a copy may have."""
        return self._ignored_files_left <= 0 or self._ignored_bytes_left <= 0

    def _copy_child(self, child: os.DirEntry[str], place: _Place, waiting: deque[_Place]) -> None:
        path = place.path + child.name
        if self._before is not None and not self._was_left_out(path, is_folder=child.is_dir(follow_symlinks=False)):
            return
        ignored, matched = self._match(path, place)
        try:
            if child.is_dir(follow_symlinks=False):
                if self._is_folder_copied(child, path, ignored):
                    waiting.append(_Place(path + "/", matched, ignored))
            elif child.is_symlink():
                if not os.path.lexists(target := self._target + "/" + path):
                    copy_link(child.path, target)
            elif child.is_file(follow_symlinks=False):
                self._copy_file(child, path, ignored)
        except OSError as problem:
            if isinstance(problem, FileNotFoundError) and not os.path.lexists(child.path):
                return  # another program removed it meanwhile
            if not ignored or problem.errno in NO_ROOM:
                raise
            self._leave_out(path, problem.strerror or message("it cannot be copied"))

    def _was_left_out(self, path: str, *, is_folder: bool) -> bool:
        """Whether an earlier pass left out an entry, a folder above it, or anything below it."""
        before = self._before or {}
        return (is_folder and path in self._folders_of_left_out) or any(above in before for above in _with_folders_above(path))

    def _match(self, path: str, place: _Place) -> tuple[bool, tuple[Matched, ...]]:
        """Whether all builds exclude an entry, and the match that its children inherit, per ignore file."""
        ignored, matched = True, []
        for patterns, inherited in zip(self._contexts, place.matched, strict=True):
            is_ignored, below = patterns.match(path, inherited)
            ignored = ignored and is_ignored
            matched.append(below)
        return ignored and path not in self._needed, tuple(matched)

    def _is_folder_copied(self, child: os.DirEntry[str], path: str, ignored: bool) -> bool:
        """Whether a folder is looked into; one that is not is noted in `left_out`."""
        # By device and inode: the state folder may be mounted here, or have another name where case does not count.
        if _identity(child.path) in self._never_copied:
            self._leave_out(path, message("speedkit keeps its own files there"))
            return False
        if not ignored or any(patterns.may_hold_exceptions(path) for patterns in self._contexts):
            return True
        if self._before is not None:
            self._leave_out(path, self._before.get(path, message("an ignore file excludes it")))
            return False
        if child.name in NOT_LISTED:
            self._leave_out(path, message("a tool's own folder, which an ignore file excludes"))
            return False
        if self._is_full():
            self._leave_out(path, message("an ignore file excludes it"))
            return False
        return True

    def _copy_file(self, child: os.DirEntry[str], path: str, ignored: bool) -> None:
        """Copy a file, or note in `left_out` why it is not copied. Raises: OSError."""
        status = child.stat(follow_symlinks=False)
        if ignored:
            if status.st_size > min(LARGEST_BYTES, self._ignored_bytes_left) or self._ignored_files_left <= 0:
                self._leave_out(
                    path, message("{megabytes:.1f} MB that an ignore file excludes", megabytes=status.st_size / 1e6)
                )
                return
            self._ignored_files_left -= 1
            self._ignored_bytes_left -= status.st_size
        elif self._bytes_left is not None:
            if status.st_size > self._bytes_left:
                self.is_cut_short = True
                self._leave_out(path, message("the next build copies it"))
                return
            self._bytes_left -= status.st_size
        target = self._target + "/" + path
        try:
            copy_file(child.path, target)
        except FileExistsError:
            return
        except BaseException:
            discard(Path(target))
            raise
        self._note_rights(path, status)

    def _note_rights(self, path: str, status: os.stat_result) -> None:
        if stat.S_IMODE(status.st_mode) & ~PERMISSIONS:
            self._copy.without_rights.append(path)

    def _leave_out(self, path: str, why: str) -> None:
        self.left_out[path] = why


def _identity(place: Path | str) -> tuple[int, int]:
    """Device and inode: the same for one folder, whichever name, link or mount leads to it."""
    status = Path(place).stat()
    return status.st_dev, status.st_ino


def _with_folders_above(name: str) -> Iterator[str]:
    """`a/b/c`, `a/b`, `a`."""
    while name:
        yield name
        name = name.rpartition("/")[0]


def _contexts(root: Path, dockerfiles: Sequence[Path]) -> list[IgnorePatterns]:
    """The ignore patterns of the builds by these Dockerfiles, once for each ignore file."""
    by_file = {ignore_file_of(root, dockerfile): dockerfile for dockerfile in dockerfiles}
    return [ignore_patterns_of(root, dockerfile) for dockerfile in by_file.values()] or [IgnorePatterns(())]


def _stamps(root: Path, dockerfiles: Sequence[Path]) -> Stamps:
    """The stamps of the ignore files that count for these Dockerfiles."""
    stamps = []
    for place in {ignore_file_of(root, dockerfile) for dockerfile in dockerfiles}:
        try:
            status = place.stat() if place else None
        except OSError:
            status = None
        stamps.append((place or root, status.st_mtime_ns if status else 0, status.st_size if status else 0))
    return tuple(sorted(stamps))


def _refusal(source: Path, problem: OSError) -> DiskFull | FileRefused:
    """The error for a copy that failed."""
    place, why = problem.filename or source, problem.strerror or str(problem)
    if problem.errno in NO_ROOM:
        return DiskFull(message("{source} could not be copied: {why}.", source=source, why=why), fix=message("Free some room."))
    if isinstance(problem, NotReadable):
        return FileRefused(
            message("{place} could not be copied: {why}.", place=place, why=why), fix=message("Move it out of the folder.")
        )
    fix = message("Make it readable, or exclude it in .dockerignore.")
    return FileRefused(message("{place} could not be copied: {why}.", place=place, why=why), fix=fix)


def _entries(folder: Path, left_out: Container[str] = ()) -> Iterator[str]:
    """Names of the files and links below a folder, without those in `left_out`."""
    waiting = [""]
    while waiting:
        within = waiting.pop()
        try:
            with os.scandir(folder / within) as entries:
                children = list(entries)
        except OSError:
            continue
        for child in children:
            path = within + child.name
            if path in left_out:
                continue
            if child.is_dir(follow_symlinks=False):
                waiting.append(path + "/")
            elif child.is_symlink() or child.is_file(follow_symlinks=False):
                yield path


def _are_equal(one: Path, other: Path) -> bool:
    """Whether two files or links are equal in kind, permissions and content."""
    try:
        first, second = one.lstat(), other.lstat()
        if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
            return False
        if (first.st_mode ^ second.st_mode) & PERMISSIONS:
            return False
        if stat.S_ISLNK(first.st_mode):
            return os.readlink(one) == os.readlink(other)  # noqa: PTH115 - `Path` would shorten `./a`
        if first.st_size != second.st_size:
            return False
        # A copy keeps the time of its original, and each edit sets a newer one: files with the same time need no reading.
        return first.st_mtime_ns == second.st_mtime_ns or filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
