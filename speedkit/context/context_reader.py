"""Reads a build context: the files that BuildKit's client would send, with their digests.

In: a folder and the Dockerfile's path. Out: a `Manifest`. The walk and the ignore rules are those of tonistiigi/fsutil,
which BuildKit's client uses. With an earlier manifest, only files with another size, mode or modification time are read.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from speedkit.errors import FileRefused, Misuse, NotAFolder
from speedkit.messages import message
from speedkit.regular_file import open_regular, read_regular
from speedkit.secrets import is_secret_file, keyed_digest

from .ignore_file import IgnorePatterns, Matched, read_ignore_file
from .manifest import Entry, Manifest
from .root_folder import file_in_root

__all__ = ["ReadingStopped", "ignore_file_of", "ignore_patterns_in", "ignore_patterns_of", "read_context", "read_files_again"]

_NAME = ".dockerignore"
_LARGEST_IGNORE_FILE = 10_000_000
_CHUNK_BYTES = 1 << 20
_GROWTH_BYTES = 64 << 20
"""How much more than its size a file may give while it is read: another program may append to it without end."""
_LINE_BYTES = 1 << 16
"""BuildKit rejects an ignore file with so long a line: it reads with Go's bufio.Scanner, whose lines are shorter."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class ReadingStopped(Exception):
    """The reading of a build context was stopped before its end, because nobody needs it any more."""


def _never() -> bool:
    return False


def read_context(
    folder: Path, *, dockerfile: Path | None, previous: Manifest | None = None, is_over: Callable[[], bool] = _never
) -> Manifest:
    """The manifest of a build context.

    dockerfile: its `<name>.dockerignore` comes before the context's `.dockerignore`; None for a named context, where only the
    latter counts. previous: an earlier manifest of the
    same folder; a file with the same size, mode and modification time is not read again. is_over: called for each entry and
    each chunk; when it gives True, ReadingStopped is raised.
    Raises NotAFolder, FileRefused for a file that cannot be read, and Misuse for an ignore pattern that BuildKit rejects.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotAFolder(folder)
    origin = ignore_file_of(root, dockerfile)
    patterns = _patterns_of(origin)
    walk = _Walk(os.fspath(root), patterns, previous.by_path if previous else {}, is_over)
    walk.run()
    ignore_file = ""
    if origin is not None:
        ignore_file = origin.relative_to(root).as_posix() if origin.is_relative_to(root) else origin.name
    return Manifest(tuple(walk.entries), ignore_file)


def read_files_again(folder: Path, previous: Manifest, names: Iterable[str]) -> Manifest | None:
    """The previous manifest with the named files read again; quick even for a large folder.

    None when the whole folder has to be read: a named file is new or removed, or is an ignore file.
    """
    changed = {}
    for name in names:
        place = os.path.join(folder, name)  # noqa: PTH118 - as the names of the walk are made
        try:
            status = os.lstat(place)
        except OSError:
            return None
        if name not in previous.by_path or name.endswith(_NAME):
            return None
        changed[name] = _entry(place, status, name, previous.by_path[name])
    return Manifest(tuple(changed.get(entry.path, entry) for entry in previous.entries), previous.ignore_file)


def ignore_file_of(root: Path, dockerfile: Path | None) -> Path | None:
    """The ignore file of a Dockerfile: `<name>.dockerignore` beside it, else the context's own, else None.

    dockerfile: None for a named context, which has only an ignore file of its own.

    A symlink is followed as in BuildKit, with the link's folder as the root.
    """
    beside = [] if dockerfile is None else [dockerfile.with_name(dockerfile.name + _NAME)]
    for ignore_file in [*beside, root / _NAME]:
        if file_in_root(ignore_file.parent.resolve(), ignore_file.name) is not None:
            return ignore_file
    return None


def ignore_patterns_of(root: Path, dockerfile: Path) -> IgnorePatterns:
    """The ignore patterns that a build with this Dockerfile applies to a context.

    Raises: FileRefused for an ignore file that cannot be read, Misuse for a pattern that BuildKit rejects.
    """
    return _patterns_of(ignore_file_of(root, dockerfile))


def _patterns_of(origin: Path | None) -> IgnorePatterns:
    if origin is None:
        return IgnorePatterns(())
    place = file_in_root(origin.parent.resolve(), origin.name) or origin
    try:
        text = read_regular(place, at_most_bytes=_LARGEST_IGNORE_FILE).decode("utf-8", errors="surrogateescape")
    except OSError as problem:
        raise _unreadable(origin.name, problem) from None
    return ignore_patterns_in(text, origin.name)


def ignore_patterns_in(text: str, name: str) -> IgnorePatterns:
    """The patterns in the text of an ignore file. name: the file's, for errors. Raises Misuse for what BuildKit rejects."""
    if any(len(line) >= _LINE_BYTES for line in text.encode("utf-8", errors="surrogateescape").split(b"\n")):
        raise Misuse(
            message(
                "{name} has a line of more than {most_bytes:,} bytes: {reason}.",
                name=name,
                most_bytes=_LINE_BYTES - 1,
                reason="bufio.Scanner: token too long",
            )
        )
    patterns = read_ignore_file(text)
    # buildx sends the patterns in a gRPC header. It encodes them when one is beyond ASCII; plain ASCII goes as it is, and
    # gRPC refuses control characters in it.
    if all(pattern.isascii() for pattern in patterns):
        for pattern in patterns:
            if (character := _UNPRINTABLE.search(pattern)) is not None:
                reason = 'header key "exclude-patterns" contains value with non-printable ASCII characters'
                raise Misuse(
                    message(
                        "{origin}: the pattern {text!r} contains the control character {character!r}: {reason}.",
                        origin=name,
                        text=pattern,
                        character=character[0],
                        reason=reason,
                    )
                )
    return IgnorePatterns(patterns, origin=name)


@dataclass(slots=True)
class _Level:
    """A folder that the walk has entered and not left.

    path: "" or with a slash at its end. matched: the patterns that match the folder. start: how many entries the walk had
    before it. ignored: the folder's own entry when it is ignored, but may hold files that `!` brings back.
    """

    children: Iterator[os.DirEntry[str]]
    path: str
    matched: Matched
    start: int
    ignored: os.DirEntry[str] | None = None


class _Walk:
    """One pass over the folder. `entries` has the order in which BuildKit's client sends."""

    def __init__(self, root: str, patterns: IgnorePatterns, previous: dict[str, Entry], is_over: Callable[[], bool]) -> None:
        self.root = root
        self.patterns = patterns
        self.previous = previous
        self.is_over = is_over
        self.entries: list[Entry] = []

    def run(self) -> None:
        """Collects everything below the root, sorted by name within each folder. Raises: FileRefused, ReadingStopped."""
        # A list instead of recursion: folders may be nested deeper than Python's stack.
        levels = [self._level("", ())]
        visit = self._match if self.patterns else self._add
        while levels:
            level = levels[-1]
            for child in level.children:
                if self.is_over():
                    raise ReadingStopped
                try:
                    below = visit(child, level.path + child.name, level.matched)
                except FileNotFoundError:
                    continue  # removed meanwhile; BuildKit's client goes on, too
                except OSError as problem:
                    raise _unreadable(level.path + child.name, problem) from None
                if below is not None:
                    levels.append(below)
                    break
            else:
                levels.pop()
                # An ignored folder is sent, before its content, when `!` brings back something in it.
                if level.ignored is not None and len(self.entries) > level.start:
                    try:
                        self.entries.insert(level.start, self._entry(level.ignored, level.path[:-1]))
                    except FileNotFoundError:
                        del self.entries[level.start :]  # removed meanwhile, with its content

    def _level(self, path: str, matched: Matched, ignored: os.DirEntry[str] | None = None) -> _Level:
        try:
            with os.scandir(os.path.join(self.root, path)) as entries:  # noqa: PTH118 - ten times as fast as Path
                children = sorted(entries, key=lambda child: child.name)
        except OSError as problem:
            if path and isinstance(problem, FileNotFoundError):
                raise  # removed meanwhile
            raise _unreadable(path or self.root, problem) from None
        return _Level(iter(children), path, matched, len(self.entries), ignored)

    def _match(self, child: os.DirEntry[str], path: str, matched: Matched) -> _Level | None:
        """Adds an entry unless it is ignored. Gives the level to walk next when the entry is a folder."""
        ignored, inherited = self.patterns.match(path, matched)
        if not ignored:
            return self._add(child, path, inherited)
        if child.is_dir(follow_symlinks=False) and self.patterns.may_hold_exceptions(path):
            return self._level(f"{path}/", inherited, child)
        return None

    def _add(self, child: os.DirEntry[str], path: str, inherited: Matched) -> _Level | None:
        entry = self._entry(child, path)
        self.entries.append(entry)
        return self._level(f"{path}/", inherited) if entry.kind == "dir" else None

    def _entry(self, child: os.DirEntry[str], path: str) -> Entry:
        return _entry(child.path, child.stat(follow_symlinks=False), path, self.previous.get(path), self.is_over)


def _entry(
    place: str, status: os.stat_result, path: str, previous: Entry | None, is_over: Callable[[], bool] = _never
) -> Entry:
    """The entry for the file, folder, symlink or device at a place. path: its name in the context."""
    # BuildKit's context sync compares metadata only, too.
    if previous is not None and previous.mtime_ns == status.st_mtime_ns:
        is_same_file = previous.kind == "file" and status.st_mode == stat.S_IFREG | previous.mode
        if is_same_file and status.st_size == previous.size_bytes:
            return previous
        if previous.kind == "dir" and status.st_mode == stat.S_IFDIR | previous.mode:
            return previous
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISREG(status.st_mode):
        try:
            digest = _digest_of_file(place, is_over)
        except OSError:
            digest = ""
        if digest and is_secret_file(path):
            # Recordings keep manifests, and the plain digest of a file that is one password tells the password.
            digest = keyed_digest(digest)
        return Entry(path, "file", status.st_size, mode, digest, "", status.st_mtime_ns)
    if stat.S_ISDIR(status.st_mode):
        return Entry(path, "dir", 0, mode, "", "", status.st_mtime_ns)
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(place)  # noqa: PTH115 - bytes of the link as they are
        return Entry(path, "symlink", 0, mode, "", target, status.st_mtime_ns)
    is_device = stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)
    numbers = f" {os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if is_device else ""
    return Entry(path, "other", 0, mode, f"{stat.filemode(status.st_mode)[0]}{numbers}", "", status.st_mtime_ns)


def _unreadable(path: object, problem: OSError) -> FileRefused:
    fix = message("Make it readable, or let .dockerignore leave it out: BuildKit cannot read it either.")
    return FileRefused(
        message("{path} in the build context cannot be read: {problem}.", path=path, problem=problem.strerror), fix=fix
    )


def _digest_of_file(path: str, is_over: Callable[[], bool]) -> str:
    sha256 = hashlib.sha256()
    descriptor, status = open_regular(path, follow_symlinks=False)
    try:
        # For a small file, memory for a whole chunk would take more time than the content.
        chunk_bytes = min(max(status.st_size + 1, 4096), _CHUNK_BYTES)
        left = status.st_size + _GROWTH_BYTES
        while left > 0 and (chunk := os.read(descriptor, chunk_bytes)):
            sha256.update(chunk)
            left -= len(chunk)
            if is_over():
                raise ReadingStopped
        # Extended attributes are part of COPY's cache key (docs/buildkit-cache-rules.md).
        attributes = os.listxattr(descriptor) if hasattr(os, "listxattr") else []
        for name in sorted(attributes):
            sha256.update(b"\0" + name.encode(errors="surrogateescape") + b"=" + os.getxattr(descriptor, name))
    finally:
        os.close(descriptor)
    return sha256.hexdigest()
