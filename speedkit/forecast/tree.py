"""A file tree as BuildKit hashes it: equal trees have equal digests, and nothing else counts.

Hashed are a file's content and mode, a folder's mode and what it holds by name, a symlink's target; not times, not
owners of files from a build context. Source: moby/buildkit, cache/contenthash.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from speedkit.context import Entry, IgnorePatterns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.context import Manifest

__all__ = ["EMPTY", "Selector", "Tree", "has_wildcard"]

EMPTY = "nothing"
_MOST_LINKS = 255


class Selector(NamedTuple):
    """Which part of a tree an instruction reads.

    path: absolute. wildcard: the path is a pattern. follow: a symlink at its end is followed.
    excludes: patterns below the path that do not count.
    """

    path: str
    wildcard: bool = False
    follow: bool = True
    excludes: tuple[str, ...] = ()


def has_wildcard(path: str) -> bool:
    """Whether BuildKit takes a path for a pattern: an unescaped `*`, `?` or `[`."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?\[]", path) is not None


class Tree:
    """The files of a build context, with digests of any part of them, computed once and on demand."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._digests: dict[str, str] = {}
        self._known: dict[Selector, str | None] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self._manifest.entries

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        return {f"/{path}": entry for path, entry in self._manifest.by_path.items()}

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for path in self._entries:
            children.setdefault(path.rpartition("/")[0] or "/", []).append(path)
        for paths in children.values():
            paths.sort()
        return children

    def changed_to(self, manifest: Manifest) -> Tree:
        """The tree of a later manifest: of folders in which nothing differs, the digests are kept."""
        tree = Tree(manifest)
        pairs = list(zip(self.entries, manifest.entries, strict=False))
        differing = [(old, new) for old, new in pairs if old is not new]
        if len(self.entries) != len(manifest.entries) or any(old.path != new.path for old, new in differing):
            return tree
        changed = {f"/{new.path}": new for _, new in differing}
        touched = {"/", *changed, *(above for path in changed for above in _folders_above(path))}
        tree._entries = self._entries | changed
        tree._children = self._children
        tree._digests = {path: digest for path, digest in self._digests.items() if path not in touched}
        return tree

    def digest(self, selector: Selector) -> str | None:
        """The digest of what a selector takes; None when the path is not there."""
        if selector not in self._known:
            simple = not selector.wildcard and not selector.excludes
            self._known[selector] = self._of_path(selector) if simple else self._of_list(selector)
        return self._known[selector]

    def taken(self, selector: Selector) -> Iterator[Entry]:
        """The entries that a selector takes, folders included."""
        if selector.wildcard or selector.excludes:
            for path, _ in self._listed(selector):
                yield self._entries[path]
            return
        start = self._resolved(selector.path, follow=selector.follow)
        if start == "/":
            yield from self.entries
        elif start is not None:
            yield self._entries[start]
            yield from (entry for below, entry in self._entries.items() if below.startswith(f"{start}/"))

    def _of_path(self, selector: Selector) -> str | None:
        path = self._resolved(selector.path, follow=selector.follow)
        return None if path is None else self._digest(path)

    def _digest(self, path: str) -> str:
        """A folder's digest is made of its own header and of the names and digests it holds."""
        entry = self._entries.get(path)
        if entry is not None and entry.kind != "dir":
            return _header(entry)
        if path not in self._digests:
            hashed = hashlib.sha256(_header(entry).encode(errors="surrogatepass") if entry else b"root")
            for child in self._children.get(path, ()):
                name = child.rpartition("/")[2]
                hashed.update(f"\0{name}\0{self._digest(child)}".encode(errors="surrogatepass"))
            self._digests[path] = hashed.hexdigest()
        return self._digests[path]

    def _of_list(self, selector: Selector) -> str:
        listed = list(self._listed(selector))
        if not listed:
            return EMPTY
        digests = [(posixpath.basename(path), self._listed_digest(path, top=top)) for path, top in listed]
        if len(digests) == 1 and digests[0][0] == posixpath.basename(selector.path):
            return digests[0][1]
        joined = "\0".join(f"{name}\0{digest}" for name, digest in digests)
        return hashlib.sha256(joined.encode(errors="surrogatepass")).hexdigest()

    def _listed_digest(self, path: str, *, top: bool) -> str:
        entry = self._entries[path]
        if entry.kind == "symlink" and top:
            target = self._resolved(path, follow=True)
            return self._digest(target) if target else _header(entry)
        return _header(entry)

    def _listed(self, selector: Selector) -> Iterator[tuple[str, bool]]:
        """What patterns take, one by one: the path, and whether no folder above it is taken."""
        patterns = IgnorePatterns(selector.excludes, origin="--exclude")
        for start in self._starts(selector):
            for path in self._below(start):
                inside = path[len(start) :].lstrip("/") if start != "/" else path[1:]
                if path == "/" or (patterns and _excluded(patterns, inside)):
                    continue
                yield path, path == start

    def _starts(self, selector: Selector) -> list[str]:
        if not selector.wildcard:
            path = self._resolved(selector.path, follow=True)
            return [] if path is None else [path]
        pattern = _as_regex(selector.path)
        return [path for path in self._below("/") if path != "/" and pattern.fullmatch(path)]

    def _below(self, path: str) -> Iterator[str]:
        yield path
        for child in self._children.get(path, ()):
            yield from self._below(child)

    def _resolved(self, path: str, *, follow: bool) -> str | None:
        """The path with every symlink on the way replaced, and the last one too when `follow`."""
        waiting = [part for part in path.split("/") if part]
        current = "/"
        links = 0
        while waiting:
            part = waiting.pop(0)
            if part in (".", ".."):
                current = posixpath.dirname(current) if part == ".." else current
                continue
            step = posixpath.join(current, part)
            entry = self._entries.get(step)
            if entry is None:
                return None
            if entry.kind != "symlink" or not (waiting or follow):
                current = step
                continue
            links += 1
            if links > _MOST_LINKS:
                return None
            current = "/" if entry.link.startswith("/") else current
            waiting = [piece for piece in entry.link.split("/") if piece] + waiting
        return current


def _folders_above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _header(entry: Entry) -> str:
    mode = 0 if entry.kind == "symlink" else entry.mode
    return f"{entry.kind} {mode:o} {entry.size_bytes} {entry.digest} {entry.link}"


def _excluded(patterns: IgnorePatterns, path: str) -> bool:
    matched: tuple[bool, ...] = ()
    ignored = False
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        ignored, matched = patterns.match("/".join(parts[:count]), matched)
    return ignored


def _as_regex(pattern: str) -> re.Pattern[str]:
    """Go's path.Match: `*` and `?` stop at slashes, `[^…]` negates."""
    result: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*":
            result.append("[^/]*")
        elif character == "?":
            result.append("[^/]")
        elif character == "[" and (end := pattern.find("]", position + 1)) > 0:
            result.append(f"[{pattern[position:end]}]")
            position = end + 1
        elif character == "\\" and position < len(pattern):
            result.append(re.escape(pattern[position]))
            position += 1
        else:
            result.append(re.escape(character))
    return re.compile("".join(result), re.DOTALL)
