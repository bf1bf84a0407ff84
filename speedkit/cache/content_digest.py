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

from speedkit.context import Entry, IgnorePatterns, PathPattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from speedkit.context import Manifest, Matched

__all__ = ["EMPTY", "NOT_UTF8", "Selector", "Tree", "has_wildcard"]

EMPTY = "nothing"
_MOST_LINKS = 255
NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""How Python writes a byte that is not UTF-8, in a text or in the name of a file."""


class Selector(NamedTuple):
    """Which part of a tree an instruction reads.

    path: absolute. wildcard: the path is a pattern. follow: a symlink at its end is followed.
    excludes: patterns below the path that do not count.
    """

    path: str
    wildcard: bool = False
    follow: bool = True
    excludes: tuple[str, ...] = ()


class _Taken(NamedTuple):
    """One path that a pattern takes. shown: how the pattern calls it. follow: a symlink there stands for its target."""

    path: str
    shown: str
    follow: bool


def has_wildcard(path: str) -> bool:
    """Whether BuildKit takes a path for a pattern: an unescaped `*`, `?` or `[`."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?\[]", path) is not None


class Tree:
    """The files of a build context, with digests of any part of them, computed once and on demand."""

    def __init__(self, manifest: Manifest, *, unknown: frozenset[str] = frozenset()) -> None:
        """unknown: paths whose content, or whether they are there, nobody can tell yet."""
        self._manifest = manifest
        self.unknown = unknown
        self.unsent: frozenset[str] = frozenset()
        """Paths that are there, and that BuildKit is not sent by the build that this was planned for last."""
        self._digests: dict[str, str] = {}
        self._known: dict[Selector, str | None] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self._manifest.entries

    @cached_property
    def has_symlinks(self) -> bool:
        return any(entry.kind == "symlink" for entry in self.entries)

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

    @cached_property
    def _not_text(self) -> tuple[str, ...]:
        return tuple(path for path, entry in self._entries.items() if _is_not_text(entry))

    def changed_to(self, manifest: Manifest) -> Tree:
        """The tree of a later manifest: of folders in which nothing differs, the digests are kept."""
        tree = Tree(manifest, unknown=self.unknown)
        pairs = list(zip(self.entries, manifest.entries, strict=False))
        differing = [(old, new) for old, new in pairs if old is not new]
        if len(self.entries) != len(manifest.entries) or any(old.path != new.path for old, new in differing):
            return tree
        changed = {f"/{new.path}": new for _, new in differing}
        touched = {"/", *changed, *(above for path in changed for above in _folders_above(path))}
        tree._entries = self._entries | changed
        tree._children = self._children
        tree._digests = {path: digest for path, digest in self._digests.items() if path not in touched}
        if changed.keys().isdisjoint(self._not_text) and not any(map(_is_not_text, changed.values())):
            tree._not_text = self._not_text
        return tree

    def digest(self, selector: Selector) -> str | None:
        """The digest of what a selector takes; None when the path is not there."""
        if selector.path in self.unsent and not selector.wildcard:
            return None
        if selector not in self._known:
            simple = not selector.wildcard and not selector.excludes
            self._known[selector] = self._of_path(selector) if simple else self._of_list(selector)
        return self._known[selector]

    def unknown_in(self, selector: Selector) -> tuple[str, ...]:
        """The paths of unknown content that a selector takes."""
        return tuple(path for path in sorted(self.unknown) if _lies_in(f"/{path}", selector))

    def unsendable_in(self, selector: Selector) -> tuple[str, ...]:
        """The paths that a selector takes whose name, or what they point to, is not UTF-8: the transfer breaks off there."""
        return tuple(path for path in self._not_text if _lies_in(path, selector))

    def is_circle(self, selector: Selector) -> bool:
        """Whether what a selector takes leads through too many symlinks to end anywhere."""
        paths = [taken.path for taken in self._listed(selector)] if selector.wildcard else [selector.path]
        return any(self._followed(path, follow=selector.follow)[1] for path in paths)

    def taken(self, selector: Selector) -> Iterator[Entry]:
        """The entries that a selector takes, folders included."""
        if selector.wildcard or selector.excludes:
            for taken in self._listed(selector):
                yield self._entries[taken.path]
                if taken.follow and (target := self._resolved(taken.path, follow=True)) not in (None, taken.path):
                    yield from self.taken(Selector(str(target)))
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
        waiting = [path]
        while waiting:
            folder = waiting[-1]
            children = self._children.get(folder, ())
            missing = [child for child in children if self._entries[child].kind == "dir" and child not in self._digests]
            if missing and folder not in self._digests:
                waiting += missing
                continue
            waiting.pop()
            if folder not in self._digests:
                self._digests[folder] = self._digest_of_children(folder, children)
        return self._digests[path]

    def _digest_of_children(self, folder: str, children: Iterable[str]) -> str:
        entry = self._entries.get(folder)
        hashed = hashlib.sha256(_header(entry).encode(errors="surrogatepass") if entry else b"root")
        for child in children:
            below = self._entries[child]
            digest = self._digests[child] if below.kind == "dir" else _header(below)
            hashed.update(f"\0{child.rpartition('/')[2]}\0{digest}".encode(errors="surrogatepass"))
        return hashed.hexdigest()

    def _of_list(self, selector: Selector) -> str | None:
        listed = self._listed(selector)
        digests = [(posixpath.basename(taken.shown), self._listed_digest(taken)) for taken in listed]
        if not digests:
            return EMPTY if self._has_start(selector) else None
        if any(digest is None for _, digest in digests):
            return None
        if len(digests) == 1 and digests[0][0] == posixpath.basename(selector.path):
            return digests[0][1]
        joined = "\0".join(f"{name}\0{digest}" for name, digest in digests)
        return hashlib.sha256(joined.encode(errors="surrogatepass")).hexdigest()

    def _has_start(self, selector: Selector) -> bool:
        """Whether the folder is there in which a pattern is looked for."""
        return not selector.wildcard or self._resolved(_folder_before_wildcard(selector.path), follow=True) is not None

    def _listed_digest(self, taken: _Taken) -> str | None:
        entry = self._entries[taken.path]
        if entry.kind == "symlink" and taken.follow:
            return self._of_path(Selector(taken.path))
        return _header(entry)

    def _listed(self, selector: Selector) -> list[_Taken]:
        """What patterns take, one by one: `includedPaths` of BuildKit."""
        patterns = IgnorePatterns(selector.excludes, origin="--exclude")
        if selector.wildcard:
            starts = self._matching(selector.path)
        else:
            place = self._resolved(selector.path, follow=False)
            starts = [] if place is None else [(place, selector.path)]
        return [taken for path, shown in starts for taken in self._filtered(_Taken(path, shown, True), patterns)]

    def _filtered(self, start: _Taken, patterns: IgnorePatterns) -> list[_Taken]:
        """What excluding patterns leave of a path, parents first. An excluded folder counts when something in it is left."""
        visited: list[tuple[_Taken, int]] = []
        counts: list[bool] = []
        waiting: list[tuple[_Taken, str, Matched, int]] = [(start, "", (), -1)]
        while waiting:
            taken, inside, inherited, parent = waiting.pop()
            is_root = taken.path == "/"
            excluded, matched = patterns.match(inside, inherited) if patterns and not is_root else (False, ())
            place = len(visited)
            visited.append((taken, parent))
            counts.append(not is_root and not excluded)
            for child in reversed(self._children.get(taken.path, ())):
                name = child.rpartition("/")[2]
                there = _Taken(child, f"{taken.shown.rstrip('/')}/{name}", follow=is_root)
                waiting.append((there, f"{inside}/{name}" if inside else name, matched, place))
        for place in range(len(visited) - 1, 0, -1):
            taken, parent = visited[place]
            counts[parent] = counts[parent] or (counts[place] and visited[parent][0].path != "/")
        return [taken for (taken, _), left in zip(visited, counts, strict=True) if left]

    def _matching(self, pattern: str) -> list[tuple[str, str]]:
        """The outermost paths that a pattern fits, and how they are called in it.

        Symlinks in the part before any wildcard are followed, and the paths keep its name.
        """
        prefix = _folder_before_wildcard(pattern)
        start = self._resolved(prefix, follow=True)
        return [] if start is None else list(self._fitting(start, prefix, PathPattern(pattern)))

    def _fitting(self, path: str, shown: str, pattern: PathPattern) -> Iterator[tuple[str, str]]:
        waiting = [(path, shown)]
        while waiting:
            place, called = waiting.pop()
            if place != path and pattern.fits(called):
                yield place, called
                continue
            children = reversed(self._children.get(place, ()))
            waiting += [(child, f"{called}/{child.rpartition('/')[2]}") for child in children]

    def _resolved(self, path: str, *, follow: bool) -> str | None:
        """The path with every symlink on the way replaced, and the last one too when `follow`."""
        return self._followed(path, follow=follow)[0]

    def _followed(self, path: str, *, follow: bool) -> tuple[str | None, bool]:
        """Where a path leads, None for nowhere; and whether that is for too many symlinks."""
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
                return None, False
            if entry.kind != "symlink" or not (waiting or follow):
                current = step
                continue
            links += 1
            if links > _MOST_LINKS:
                return None, True
            current = "/" if entry.link.startswith("/") else current
            waiting = [piece for piece in entry.link.split("/") if piece] + waiting
        return current, False


def _folder_before_wildcard(pattern: str) -> str:
    parts = pattern.split("/")
    plain = next((number for number, part in enumerate(parts) if has_wildcard(part)), len(parts) - 1)
    return "/".join(parts[:plain])


def _is_not_text(entry: Entry) -> bool:
    return NOT_UTF8.search(entry.path + entry.link) is not None


def _folders_above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _header(entry: Entry) -> str:
    mode = 0 if entry.kind == "symlink" else entry.mode
    return f"{entry.kind} {mode:o} {entry.size_bytes} {entry.digest} {entry.link}"


def _lies_in(path: str, selector: Selector) -> bool:
    above = [path]
    while above[-1] != "/":
        above.append(posixpath.dirname(above[-1]))
    if selector.wildcard:
        pattern = PathPattern(selector.path)
        return any(pattern.fits(place) for place in above)
    return selector.path in above
