"""Reads a build context: which files BuildKit would be sent, with their digests.

In: a folder and the Dockerfile's path. Out: a `Manifest`. The walk and the ignore rules are those of tonistiigi/fsutil,
which the client of BuildKit uses. A file is read again only when its size, mode or time of change moved.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from speedkit.context.ignoring import IgnorePatterns, Matched, read_ignore_file
from speedkit.context.manifest import Entry, EntryKind, Manifest
from speedkit.errors import FileRefused, NotAFolder

__all__ = ["read_context", "read_files_again"]

_NAME = ".dockerignore"
_CHUNK_BYTES = 1 << 20


def read_context(folder: Path, *, dockerfile: Path, known: Manifest | None = None) -> Manifest:
    """The manifest of a build context: what BuildKit would be sent.

    dockerfile: its `<name>.dockerignore` comes before the context's `.dockerignore`. known: an earlier manifest of the
    same folder; files whose size and time of change are as they were are not read again.
    Raises NotAFolder, FileRefused for what cannot be read, and Misuse for an ignore pattern that BuildKit rejects.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotAFolder(folder)
    origin = _ignore_file(root, Path(dockerfile))
    patterns = IgnorePatterns(_lines_of(origin), origin=origin.name if origin else _NAME)
    walk = _Walk(os.fspath(root), patterns, known.by_path if known else {})
    walk.folder("", ())
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


def _ignore_file(root: Path, dockerfile: Path) -> Path | None:
    beside = dockerfile.with_name(dockerfile.name + _NAME)
    if beside.is_file():
        return beside
    general = root / _NAME
    return general if general.is_file() else None


def _lines_of(origin: Path | None) -> tuple[str, ...]:
    if origin is None:
        return ()
    try:
        return read_ignore_file(origin.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError as problem:
        raise _unreadable(origin.name, problem) from None


def _shown(origin: Path | None, root: Path) -> str:
    if origin is None:
        return ""
    return origin.relative_to(root).as_posix() if origin.is_relative_to(root) else origin.name


class _Walk:
    """One pass over the folder. `entries` fills in the order in which BuildKit's client sends."""

    def __init__(self, root: str, patterns: IgnorePatterns, known: dict[str, Entry]) -> None:
        self.root = root
        self.patterns = patterns
        self.known = known
        self.entries: list[Entry] = []

    def folder(self, path: str, matched: Matched) -> None:
        """Everything below a folder, in the order of names. `path` is "" or ends in a slash."""
        try:
            with os.scandir(os.path.join(self.root, path)) as found:  # noqa: PTH118 - ten times as fast as Path
                children = sorted(found, key=lambda child: child.name)
        except OSError as problem:
            raise _unreadable(path or self.root, problem) from None
        visit = self._child if self.patterns else self._sent
        for child in children:
            try:
                visit(child, path + child.name, matched)
            except FileNotFoundError:
                continue

    def _child(self, child: os.DirEntry[str], path: str, matched: Matched) -> None:
        ignored, inherited = self.patterns.match(path, matched)
        if not ignored:
            self._sent(child, path, inherited)
        elif child.is_dir(follow_symlinks=False) and self.patterns.may_hold_exceptions(path):
            self._ignored_folder(child, path, inherited)

    def _sent(self, child: os.DirEntry[str], path: str, inherited: Matched) -> None:
        entry = self._entry(child, path)
        self.entries.append(entry)
        if entry.kind == "dir":
            self.folder(f"{path}/", inherited)

    def _ignored_folder(self, child: os.DirEntry[str], path: str, matched: Matched) -> None:
        """An ignored folder is sent after all when something in it is."""
        place = len(self.entries)
        self.folder(f"{path}/", matched)
        if len(self.entries) > place:
            self.entries.insert(place, self._entry(child, path))

    def _entry(self, child: os.DirEntry[str], path: str) -> Entry:
        return _entry(child.path, child.stat(follow_symlinks=False), path, self.known.get(path))


def _entry(place: str, status: os.stat_result, path: str, known: Entry | None) -> Entry:
    """What lies at a place, called `path` in the context. known: what was there before."""
    if known is not None and known.mtime_ns == status.st_mtime_ns and _unchanged(known, status):
        return known
    kind = _kind(status.st_mode)
    size = status.st_size if kind == "file" else 0
    link = os.readlink(place) if kind == "symlink" else ""  # noqa: PTH115 - bytes of the link as they are
    mode = stat.S_IMODE(status.st_mode)
    return Entry(path, kind, size, mode, _digest(place, kind), link, status.st_mtime_ns)


def _unreadable(path: object, problem: OSError) -> FileRefused:
    fix = "Make it readable, or let .dockerignore leave it out: BuildKit could not read it either."
    return FileRefused(f"{path} in the build context cannot be read: {problem.strerror}.", fix=fix)


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


def _digest(path: str, kind: EntryKind) -> str:
    if kind != "file":
        return ""
    try:
        return _digest_of_file(path)
    except OSError:
        return ""


def _digest_of_file(path: str) -> str:
    hashed = hashlib.sha256()
    with open(path, "rb", buffering=0) as source:  # noqa: PTH123 - called for every file of a context
        while chunk := source.read(_CHUNK_BYTES):
            hashed.update(chunk)
        attributes = os.listxattr(source.fileno()) if hasattr(os, "listxattr") else []
        for name in sorted(attributes):
            hashed.update(b"\0" + name.encode(errors="surrogateescape") + b"=" + os.getxattr(source.fileno(), name))
    return hashed.hexdigest()
