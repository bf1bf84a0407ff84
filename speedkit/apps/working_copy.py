"""Working copies: a folder of one's own to edit, with a name that BuildKit has never seen, and what was changed in it.

A copy holds what the build contexts of its Dockerfiles hold, with links, permissions and times. Hard links would be quicker
to make, but an edit would then reach the user's file. Of what `.dockerignore` leaves out it holds the small files, which can
be read and edited; large ones, and folders that cannot be read, are left out. They come in once the ignore file no longer
leaves them out. Never copied are the kit's own state folder, wherever it lies, and what cannot be: sockets, pipes, devices.
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


def working_copy(source: Path, dockerfiles: Sequence[Path]) -> WorkingCopy:
    """A copy of a folder with its links, permissions and times, under a name never used before.

    BuildKit recognises a context by the name of its folder and then compares sizes and times only, so a copy under a known
    name could be taken for the other one. dockerfiles: those that it will be built by. What dead processes left is swept.
    Raises: DiskFull; FileRefused for a file that cannot be read; Misuse for an ignore pattern that BuildKit rejects, or a
    folder that is the kit's own.
    """
    _require_other_than_state(source)
    # Of a notebook, it is the cell that asks for a copy which says so: its kernel is the program that ended.
    remove_leftovers_and_report(say_aside)
    name = NOT_IN_A_NAME.sub("_", source.name)[:LONGEST_NAME] or "folder"
    copy = WorkingCopy(source, state_folder("work") / f"{name}-{uuid.uuid4().hex[:12]}")
    contexts = _contexts(source, dockerfiles)
    claim(copy.folder)
    try:
        copy.folder.mkdir(mode=0o700)
        needed = {*dockerfiles, *filter(None, (ignore_file_of(source, dockerfile) for dockerfile in dockerfiles))}
        copy.fill(_Filling(copy, contexts, needed=_relative_to(source, needed)))
    except OSError as problem:
        discard(copy.folder)
        raise _refusal(source, problem) from None
    except BaseException:
        discard(copy.folder)
        raise
    return copy


class WorkingCopy:
    """source: the user's own folder, only ever read. folder: the copy. left_out: what was not copied, by name, and why."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.source, self.folder = source, folder
        self.left_out: dict[str, str] = {}
        self.without_rights: list[str] = []
        """Files and folders whose bits setuid, setgid or sticky were dropped."""
        self._stamps: Stamps = ()

    def fill(self, filling: _Filling) -> None:
        """Copy what belongs into the copy. Raises: OSError."""
        filling.run()
        self.left_out = filling.left_out

    def complete(self, dockerfiles: Sequence[Path], *, at_most_bytes: int | None = None) -> None:
        """Bring in what was left out and is in a build context now, because an ignore file was edited or is another one.

        dockerfiles: those that the copy is built by now. at_most_bytes: more is left for a later call, such as a build.
        Raises: DiskFull; FileRefused for what cannot be copied.
        """
        if not self.left_out:
            return
        stamps = _stamps(self.folder, dockerfiles)
        if stamps == self._stamps:
            return
        try:
            contexts = _contexts(self.folder, dockerfiles)
        except Misuse:
            return  # BuildKit's own words about a pattern, or a file, come with the build
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
        """Make one file or link what it is in the user's folder; gone, if it is not there.

        Raises: FileRefused when the name leads out of the folder, or the file cannot be restored.
        """
        original, changed = entry_inside(self.source, name), entry_inside(self.folder, name)
        try:
            if not os.path.lexists(original):
                changed.unlink(missing_ok=True)
                self._remove_new_folders(changed.parent)
                return
            changed.parent.mkdir(parents=True, exist_ok=True)
            before = changed.lstat().st_mtime_ns if os.path.lexists(changed) else 0
            beside = self.folder.with_name(f"{self.folder.name}-{uuid.uuid4().hex[:12]}")
            claim(beside)
            try:
                _copy(os.fspath(original), os.fspath(beside))
                if not beside.is_symlink():
                    move_time_forward(beside, before)
                put_in_place(beside, changed)
            finally:
                discard(beside)
        except OSError as problem:
            raise FileRefused(message("{name} cannot be put back: {problem}.", name=name, problem=problem.strerror)) from None

    def _remove_new_folders(self, folder: Path) -> None:
        """Empty folders count in a build context: those that were not there at first go with their last file."""
        while (
            folder.is_relative_to(self.folder)
            and not (self.source / folder.relative_to(self.folder)).exists()
            and not any(folder.iterdir())
        ):
            folder.rmdir()
            folder = folder.parent


@dataclass
class _Place:
    """A folder to be copied. path: relative, "" or with a slash at its end. matched: what each ignore file inherits."""

    path: str
    matched: tuple[Matched, ...]
    is_ignored: bool


class _Filling:
    """One pass over the user's folder that copies what belongs into a working copy, outer folders first.

    contexts: what each build leaves out. needed: names that are copied in any case. before: what an earlier pass left out,
    when only that is looked at.
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
        self._above_left_out = {above for name in before or () for above in _with_folders_above(name)}
        self._bytes_left = at_most_bytes
        first = before is None
        self._ignored_files, self._ignored_bytes = (IGNORED_FILES_AT_MOST, IGNORED_BYTES_AT_MOST) if first else (0, 0)
        self._never = {_identity(place) for place in (state_home(), state_folder("work"), copy.folder)}
        self.left_out: dict[str, str] = {}
        self.is_cut_short = False

    def run(self) -> None:
        """Raises: OSError for what is in a build context and cannot be copied."""
        waiting = deque([_Place("", tuple(() for _ in self._contexts), is_ignored=False)])
        folders = []
        while waiting:
            place = waiting.popleft()
            within = self._source + "/" + place.path
            try:
                with os.scandir(within) as entries:
                    children = sorted(entries, key=lambda entry: entry.name)
            except OSError as problem:
                if place.is_ignored:
                    self._leave_out(place.path[:-1], problem.strerror or message("it cannot be read"))
                    continue
                raise
            if place.path and self._is_made(self._target + "/" + place.path):
                folders.append(place.path)
            for child in children:
                if self._is_enough(place):
                    self._leave_out(place.path[:-1], message("an ignore file leaves it out"))
                    break
                self._child(child, place, waiting)
        # Only now: a folder may be one that nobody can write to.
        for path in reversed(folders):
            source = self._source + "/" + path
            status = os.lstat(source)
            self._note_rights(path[:-1], status)
            copy_attributes(source, self._target + "/" + path, status)

    def _is_made(self, folder: str) -> bool:
        """Make a folder of the copy; False where an earlier pass made it."""
        try:
            os.mkdir(folder, 0o700)  # noqa: PTH102 - ten times as fast as Path
        except FileExistsError:
            if self._before is None:
                raise
            return False
        return True

    def _is_enough(self, place: _Place) -> bool:
        """Whether a folder that every build leaves out holds more than is copied of such files."""
        if self._before is not None or not place.is_ignored or not self._is_full():
            return False
        return not any(patterns.may_hold_exceptions(place.path[:-1]) for patterns in self._contexts)

    def _is_full(self) -> bool:
        return self._ignored_files <= 0 or self._ignored_bytes <= 0

    def _child(self, child: os.DirEntry[str], place: _Place, waiting: deque[_Place]) -> None:
        path = place.path + child.name
        if self._before is not None and not self._concerns(path, child.is_dir(follow_symlinks=False)):
            return
        ignored, matched = self._matched(path, place)
        try:
            if child.is_dir(follow_symlinks=False):
                if self._is_wanted(child, path, ignored):
                    waiting.append(_Place(path + "/", matched, ignored))
            elif child.is_symlink():
                self._copied_link(child, path)
            elif child.is_file(follow_symlinks=False):
                self._copied_file(child, path, ignored)
        except OSError as problem:
            if isinstance(problem, FileNotFoundError) and not os.path.lexists(child.path):
                return  # somebody removed it meanwhile
            if not ignored or problem.errno in NO_ROOM:
                raise
            self._leave_out(path, problem.strerror or message("it cannot be copied"))

    def _concerns(self, path: str, is_folder: bool) -> bool:
        """Whether an entry was left out before, or lies in or above what was."""
        before = self._before or {}
        return (is_folder and path in self._above_left_out) or any(above in before for above in _with_folders_above(path))

    def _matched(self, path: str, place: _Place) -> tuple[bool, tuple[Matched, ...]]:
        """Whether every build leaves an entry out, and what its children inherit."""
        ignored, matched = True, []
        for patterns, inherited in zip(self._contexts, place.matched, strict=True):
            is_ignored, below = patterns.match(path, inherited)
            ignored = ignored and is_ignored
            matched.append(below)
        return ignored and path not in self._needed, tuple(matched)

    def _is_wanted(self, child: os.DirEntry[str], path: str, ignored: bool) -> bool:
        # By what a folder is, not by its name: it may be mounted, or be found under another case of letters.
        if _identity(child.path) in self._never:
            self._leave_out(path, message("speedkit keeps its own files there"))
            return False
        if not ignored or any(patterns.may_hold_exceptions(path) for patterns in self._contexts):
            return True
        if self._before is not None:
            self._leave_out(path, self._before.get(path, message("an ignore file leaves it out")))
            return False
        if child.name in NOT_LISTED:
            self._leave_out(path, message("a tool's own folder, which an ignore file leaves out"))
            return False
        if self._is_full():
            self._leave_out(path, message("an ignore file leaves it out"))
            return False
        return True

    def _copied_link(self, child: os.DirEntry[str], path: str) -> None:
        if not os.path.lexists(target := self._target + "/" + path):
            copy_link(child.path, target)

    def _copied_file(self, child: os.DirEntry[str], path: str, ignored: bool) -> None:
        status = child.stat(follow_symlinks=False)
        if ignored:
            if status.st_size > min(LARGEST_BYTES, self._ignored_bytes) or self._ignored_files <= 0:
                self._leave_out(
                    path, message("{megabytes:.1f} MB that an ignore file leaves out", megabytes=status.st_size / 1e6)
                )
                return
            self._ignored_files -= 1
            self._ignored_bytes -= status.st_size
        elif self._bytes_left is not None:
            if status.st_size > self._bytes_left:
                self.is_cut_short = True
                self._leave_out(path, message("it comes with the next build"))
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


def _copy(source: str, target: str) -> None:
    """A file or link. Raises: OSError, NotReadable for anything else."""
    if os.path.islink(source):  # noqa: PTH114
        copy_link(source, target)
    else:
        copy_file(source, target)


def _require_other_than_state(source: Path) -> None:
    """Raises: Misuse where the folder to be copied is the one that copies go to."""
    if _identity(source) == _identity(state_folder()):
        raise Misuse(
            message("{source} is speedkit's own state folder.", source=source),
            fix=message("Set SPEEDKIT_HOME to another folder."),
        )


def _identity(place: Path | str) -> tuple[int, int]:
    """The same for one folder, by whatever name, link or mount it is reached."""
    status = Path(place).stat()
    return status.st_dev, status.st_ino


def _relative_to(source: Path, paths: Iterable[Path]) -> list[str]:
    return [path.relative_to(source).as_posix() for path in paths if path.is_relative_to(source)]


def _with_folders_above(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition("/")[0]


def _contexts(root: Path, dockerfiles: Sequence[Path]) -> list[IgnorePatterns]:
    """What the builds by these Dockerfiles leave out of a context; once, where several have the same ignore file."""
    by_file = {ignore_file_of(root, dockerfile): dockerfile for dockerfile in dockerfiles}
    return [ignore_patterns_of(root, dockerfile) for dockerfile in by_file.values()] or [IgnorePatterns(())]


def _stamps(root: Path, dockerfiles: Sequence[Path]) -> Stamps:
    """Changes whenever an ignore file does, or another one counts."""
    stamps = []
    for place in {ignore_file_of(root, dockerfile) for dockerfile in dockerfiles}:
        try:
            status = place.stat() if place else None
        except OSError:
            status = None
        stamps.append((place or root, status.st_mtime_ns if status else 0, status.st_size if status else 0))
    return tuple(sorted(stamps))


def _refusal(source: Path, problem: OSError) -> DiskFull | FileRefused:
    place, why = problem.filename or source, problem.strerror or str(problem)
    if problem.errno in NO_ROOM:
        return DiskFull(message("{source} could not be copied: {why}.", source=source, why=why), fix=message("Free some room."))
    if isinstance(problem, NotReadable):
        return FileRefused(
            message("{place} could not be copied: {why}.", place=place, why=why), fix=message("Move it out of the folder.")
        )
    fix = message("Make it readable, or let .dockerignore leave it out.")
    return FileRefused(message("{place} could not be copied: {why}.", place=place, why=why), fix=fix)


def _entries(folder: Path, left_out: Container[str] = ()) -> Iterator[str]:
    """Names of the files and links below a folder. left_out: files and folders that are not looked at."""
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
    """Equal in kind, permissions and content. An edit always moves the time of change: what has the same one is not read."""
    try:
        first, second = one.lstat(), other.lstat()
        if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
            return False
        if (first.st_mode ^ second.st_mode) & PERMISSIONS:
            return False
        if stat.S_ISLNK(first.st_mode):
            return os.readlink(one) == os.readlink(other)  # noqa: PTH115 - `Path` makes `./a` shorter
        if first.st_size != second.st_size:
            return False
        return first.st_mtime_ns == second.st_mtime_ns or filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
