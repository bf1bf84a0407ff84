"""Reads a build context: which files BuildKit would be sent, with their digests.

In: a folder and the Dockerfile's path. Out: a `Manifest`. The walk and the ignore rules are those of tonistiigi/fsutil,
which the client of BuildKit uses. A file is read again only when its size, mode or time of change moved.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from speedkit.errors import FileRefused, Misuse, NotAFolder
from speedkit.messages import message
from speedkit.regular_file import open_regular, read_regular
from speedkit.secrets import is_secret_file, keyed

from .ignore_file import IgnorePatterns, Matched, read_ignore_file
from .manifest import Entry, EntryKind, Manifest
from .root_folder import file_in_root

__all__ = ["ReadingStopped", "ignore_file_of", "ignore_patterns_of", "read_context", "read_files_again"]

_NAME = ".dockerignore"
_LARGEST_IGNORE_FILE = 10_000_000
_CHUNK_BYTES = 1 << 20
_GROWTH_BYTES = 64 << 20
_LINE_BYTES = 1 << 16
"""BuildKit's reader of ignore files takes no line that is so long."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class ReadingStopped(Exception):
    """A build context was not read to its end, because nobody needs it any more."""


def _never() -> bool:
    return False


def read_context(
    folder: Path, *, dockerfile: Path, known: Manifest | None = None, is_over: Callable[[], bool] = _never
) -> Manifest:
    """The manifest of a build context: what BuildKit would be sent.

    dockerfile: its `<name>.dockerignore` comes before the context's `.dockerignore`. known: an earlier manifest of the
    same folder; files whose size and time of change are as they were are not read again. is_over: asked all the time; once it
    says so, ReadingStopped is raised.
    Raises NotAFolder, FileRefused for what cannot be read, and Misuse for an ignore pattern that BuildKit rejects.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotAFolder(folder)
    origin = ignore_file_of(root, Path(dockerfile))
    patterns = _patterns_of(origin)
    walk = _Walk(os.fspath(root), patterns, known.by_path if known else {}, is_over)
    walk.run()
    return Manifest(tuple(walk.entries), _shown(origin, root))


def read_files_again(folder: Path, known: Manifest, names: Iterable[str]) -> Manifest | None:
    """A manifest in which the named files are as they are now, the others as they were: quick, however many there are.

    None when that cannot be told without the rest: a file came or went, or says itself what is ignored.
    """
    changed = {}
    for name in names:
        place = os.path.join(folder, name)  # noqa: PTH118 - as the names of the walk are made
        try:
            status = os.lstat(place)
        except OSError:
            return None
        if name not in known.by_path or name.endswith(_NAME):
            return None
        changed[name] = _entry(place, status, name, known.by_path[name])
    return Manifest(tuple(changed.get(entry.path, entry) for entry in known.entries), known.ignore_file)


def ignore_file_of(root: Path, dockerfile: Path) -> Path | None:
    """The ignore file that counts for a Dockerfile: `<name>.dockerignore` beside it, else the context's own; or None.

    A link counts as BuildKit follows it: with the folder that it lies in as the root.
    """
    for named in (dockerfile.with_name(dockerfile.name + _NAME), root / _NAME):
        if file_in_root(named.parent.resolve(), named.name) is not None:
            return named
    return None


def ignore_patterns_of(root: Path, dockerfile: Path) -> IgnorePatterns:
    """What a Dockerfile's build leaves out of a context.

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
    if any(len(line) >= _LINE_BYTES for line in text.encode("utf-8", errors="surrogateescape").split(b"\n")):
        raise Misuse(
            message(
                "{name} has a line of more than {most_bytes:,} bytes: {reason}.",
                name=origin.name,
                most_bytes=_LINE_BYTES - 1,
                reason="bufio.Scanner: token too long",
            )
        )
    lines = read_ignore_file(text)
    _check_characters(lines, origin.name)
    return IgnorePatterns(lines, origin=origin.name)


def _check_characters(patterns: Sequence[str], origin: str) -> None:
    """Raises Misuse for a control character, which buildx cannot send: it sends patterns of ASCII as they are."""
    if all(text.isascii() for text in patterns):
        for text in patterns:
            if (found := _UNPRINTABLE.search(text)) is not None:
                reason = 'header key "exclude-patterns" contains value with non-printable ASCII characters'
                raise Misuse(
                    message(
                        "{origin}: the pattern {text!r} holds the control character {character!r}: {reason}.",
                        origin=origin,
                        text=text,
                        character=found[0],
                        reason=reason,
                    )
                )


def _shown(origin: Path | None, root: Path) -> str:
    if origin is None:
        return ""
    return origin.relative_to(root).as_posix() if origin.is_relative_to(root) else origin.name


@dataclass(slots=True)
class _Level:
    """A folder under way. path: "" or with a slash at its end. ignored: the folder itself, when only exceptions are sent.

    start: how many entries there were before it.
    """

    children: Iterator[os.DirEntry[str]]
    path: str
    matched: Matched
    start: int
    ignored: os.DirEntry[str] | None = None


class _Walk:
    """One pass over the folder. `entries` fills in the order in which BuildKit's client sends."""

    def __init__(self, root: str, patterns: IgnorePatterns, known: dict[str, Entry], is_over: Callable[[], bool]) -> None:
        self.root = root
        self.patterns = patterns
        self.known = known
        self.is_over = is_over
        self.entries: list[Entry] = []

    def run(self) -> None:
        """Everything below the root, in the order of names; without recursion, as folders may lie deeper than Python can call.

        Raises: FileRefused, ReadingStopped.
        """
        levels = [self._level("", ())]
        visit = self._child if self.patterns else self._sent
        while levels:
            level = levels[-1]
            for child in level.children:
                if self.is_over():
                    raise ReadingStopped
                try:
                    below = visit(child, level.path + child.name, level.matched)
                except FileNotFoundError:
                    continue  # removed meanwhile, as BuildKit's client takes it
                except OSError as problem:
                    raise _unreadable(level.path + child.name, problem) from None
                if below is not None:
                    levels.append(below)
                    break
            else:
                levels.pop()
                # An ignored folder is sent after all when something in it is.
                if level.ignored is not None and len(self.entries) > level.start:
                    self.entries.insert(level.start, self._entry(level.ignored, level.path[:-1]))

    def _level(self, path: str, matched: Matched, ignored: os.DirEntry[str] | None = None) -> _Level:
        try:
            with os.scandir(os.path.join(self.root, path)) as found:  # noqa: PTH118 - ten times as fast as Path
                children = sorted(found, key=lambda child: child.name)
        except OSError as problem:
            if path and isinstance(problem, FileNotFoundError):
                raise  # removed meanwhile
            raise _unreadable(path or self.root, problem) from None
        return _Level(iter(children), path, matched, len(self.entries), ignored)

    def _child(self, child: os.DirEntry[str], path: str, matched: Matched) -> _Level | None:
        """Take an entry of a folder; what is to be looked at next, when it is a folder itself."""
        ignored, inherited = self.patterns.match(path, matched)
        if not ignored:
            return self._sent(child, path, inherited)
        if child.is_dir(follow_symlinks=False) and self.patterns.may_hold_exceptions(path):
            return self._level(f"{path}/", inherited, child)
        return None

    def _sent(self, child: os.DirEntry[str], path: str, inherited: Matched) -> _Level | None:
        entry = self._entry(child, path)
        self.entries.append(entry)
        return self._level(f"{path}/", inherited) if entry.kind == "dir" else None

    def _entry(self, child: os.DirEntry[str], path: str) -> Entry:
        return _entry(child.path, child.stat(follow_symlinks=False), path, self.known.get(path), self.is_over)


def _entry(place: str, status: os.stat_result, path: str, known: Entry | None, is_over: Callable[[], bool] = _never) -> Entry:
    """What lies at a place, called `path` in the context. known: what was there before."""
    if known is not None and known.mtime_ns == status.st_mtime_ns and _unchanged(known, status):
        return known
    kind = _kind(status.st_mode)
    size = status.st_size if kind == "file" else 0
    link = os.readlink(place) if kind == "symlink" else ""  # noqa: PTH115 - bytes of the link as they are
    mode = stat.S_IMODE(status.st_mode)
    digest = _device(status) if kind == "other" else _digest(place, kind, is_over)
    if kind == "file" and digest and is_secret_file(path):
        # A word list opens the plain one of a file that is one password, and recordings keep it.
        digest = keyed(digest)
    return Entry(path, kind, size, mode, digest, link, status.st_mtime_ns)


def _device(status: os.stat_result) -> str:
    """What a node that is no file counts by: its type, and of a device the numbers."""
    is_device = stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)
    numbers = f" {os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if is_device else ""
    return f"{stat.filemode(status.st_mode)[0]}{numbers}"


def _unreadable(path: object, problem: OSError) -> FileRefused:
    fix = message("Make it readable, or let .dockerignore leave it out: BuildKit could not read it either.")
    return FileRefused(
        message("{path} in the build context cannot be read: {problem}.", path=path, problem=problem.strerror), fix=fix
    )


def _unchanged(known: Entry, status: os.stat_result) -> bool:
    """A file or folder whose size and mode are as they were; the time of change is compared before."""
    if known.kind == "file":
        return status.st_mode == stat.S_IFREG | known.mode and status.st_size == known.size_bytes
    return known.kind == "dir" and status.st_mode == stat.S_IFDIR | known.mode


def _kind(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "dir"
    return "symlink" if stat.S_ISLNK(mode) else "other"


def _digest(path: str, kind: EntryKind, is_over: Callable[[], bool]) -> str:
    if kind != "file":
        return ""
    try:
        return _digest_of_file(path, is_over)
    except OSError:
        return ""


def _digest_of_file(path: str, is_over: Callable[[], bool]) -> str:
    hashed = hashlib.sha256()
    descriptor, status = open_regular(path, follow_symlinks=False)
    try:
        # A chunk as large as the file: memory for a whole one would cost a small file more time than its content.
        chunk_bytes = min(max(status.st_size + 1, 4096), _CHUNK_BYTES)
        left = status.st_size + _GROWTH_BYTES  # somebody may write to it without end
        while left > 0 and (chunk := os.read(descriptor, chunk_bytes)):
            hashed.update(chunk)
            left -= len(chunk)
            if is_over():
                raise ReadingStopped
        attributes = os.listxattr(descriptor) if hasattr(os, "listxattr") else []
        for name in sorted(attributes):
            hashed.update(b"\0" + name.encode(errors="surrogateescape") + b"=" + os.getxattr(descriptor, name))
    finally:
        os.close(descriptor)
    return hashed.hexdigest()
