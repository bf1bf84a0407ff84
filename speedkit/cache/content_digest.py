"""A file tree as BuildKit hashes it: trees have equal digests exactly when BuildKit takes them for the same content.

A digest covers a file's content and mode, a folder's mode and the names in it, a symlink's target. It covers neither times nor
the owners of files from a build context. Source: moby/buildkit, cache/contenthash/checksum.go. The digests here are others
than BuildKit's: it only matters which are equal.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from speedkit.context import Entry, IgnorePatterns, PathPattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.context import Manifest, Matched

__all__ = ["EMPTY", "NOT_UTF8", "Selector", "Tree", "folders_above", "has_wildcard", "header_of", "is_unsendable", "lies_in"]

EMPTY = "nothing"
"""The digest of a pattern that matches nothing in a folder that is there."""
_MOST_LINKS = 255
"""`maxSymlinkLimit` of BuildKit's cache/contenthash/path.go; more end the build with `too many links`."""
NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""A byte that is not UTF-8, as Python writes it in a text or in the name of a file."""


class Selector(NamedTuple):
    """The part of a tree that an instruction reads.

    path: absolute. wildcard: the path is a pattern. follow: a symlink at its end is followed.
    excludes: patterns of `--exclude`, relative to the path.
    """

    path: str
    wildcard: bool = False
    follow: bool = True
    excludes: tuple[str, ...] = ()


class _IncludedPath(NamedTuple):
    """One path that a pattern includes. shown: the path as the pattern names it. follow: a symlink there is followed."""

    path: str
    shown: str
    follow: bool


def has_wildcard(path: str) -> bool:
    """Whether BuildKit takes a path for a pattern: it has an unescaped `*`, `?` or `[`."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?\[]", path) is not None


class Tree:
    """The files of a build context, with the digest of any part of them, computed once and on demand."""

    def __init__(self, manifest: Manifest, *, unknown: frozenset[str] = frozenset()) -> None:
        """unknown: paths that commands on the host make before the build, so their content and kind are still unknown."""
        self._manifest = manifest
        self.unknown = unknown
        self.unsent: frozenset[str] = frozenset()
        """Paths of the tree that BuildKit is not sent; set anew by each plan of a build."""
        self._digests: dict[str, str] = {}
        self._selector_digests: dict[Selector, str | None] = {}

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
    def _unsendable(self) -> tuple[str, ...]:
        return tuple(path for path, entry in self._entries.items() if is_unsendable(entry))

    def changed_to(self, manifest: Manifest) -> Tree:
        """The tree of a later manifest. Folders in which nothing differs keep their digests.

        A key typed in the workbench changes one file of a context that may have thousands; with an added, removed or renamed
        file the tree starts from nothing.
        """
        tree = Tree(manifest, unknown=self.unknown)
        pairs = list(zip(self.entries, manifest.entries, strict=False))
        differing = [(old, new) for old, new in pairs if old is not new]
        if len(self.entries) != len(manifest.entries) or any(old.path != new.path for old, new in differing):
            return tree
        changed = {f"/{new.path}": new for _, new in differing}
        outdated = {"/", *changed, *(above for path in changed for above in folders_above(path))}
        tree._entries = self._entries | changed
        tree._children = self._children
        tree._digests = {path: digest for path, digest in self._digests.items() if path not in outdated}
        if changed.keys().isdisjoint(self._unsendable) and not any(map(is_unsendable, changed.values())):
            tree._unsendable = self._unsendable
        return tree

    def digest(self, selector: Selector) -> str | None:
        """The digest of the part that a selector names; None when the path is not there."""
        if selector.path in self.unsent and not selector.wildcard:
            return None
        if selector not in self._selector_digests:
            is_plain_path = not selector.wildcard and not selector.excludes
            digest = self._path_digest(selector) if is_plain_path else self._list_digest(selector)
            self._selector_digests[selector] = digest
        return self._selector_digests[selector]

    def unknown_in(self, selector: Selector) -> tuple[str, ...]:
        """The paths of unknown content that a selector covers."""
        return tuple(path for path in sorted(self.unknown) if lies_in(f"/{path}", selector))

    def unsendable_in(self, selector: Selector) -> tuple[str, ...]:
        """The paths that a selector covers whose name or symlink target is not UTF-8: the transfer ends with an error there."""
        return tuple(path for path in self._unsendable if lies_in(path, selector))

    def is_circle(self, selector: Selector) -> bool:
        """Whether following a selector's paths takes more symlinks than BuildKit follows."""
        paths = [included.path for included in self._included_paths(selector)] if selector.wildcard else [selector.path]
        return any(self._followed(path, follow=selector.follow)[1] for path in paths)

    def entries_of(self, selector: Selector) -> Iterator[Entry]:
        """The entries that a selector covers, folders included."""
        if selector.wildcard or selector.excludes:
            for included in self._included_paths(selector):
                yield self._entries[included.path]
                if included.follow and (target := self._resolved(included.path, follow=True)) not in (None, included.path):
                    yield from self.entries_of(Selector(str(target)))
            return
        start = self._resolved(selector.path, follow=selector.follow)
        if start == "/":
            yield from self.entries
        elif start is not None:
            yield self._entries[start]
            yield from (entry for below, entry in self._entries.items() if below.startswith(f"{start}/"))

    def _path_digest(self, selector: Selector) -> str | None:
        path = self._resolved(selector.path, follow=selector.follow)
        return None if path is None else self._digest(path)

    def _digest(self, path: str) -> str:
        """The digest of a file or folder. A folder's is made of its own header and of the names and digests in it."""
        entry = self._entries.get(path)
        if entry is not None and entry.kind != "dir":
            return header_of(entry)
        # A list instead of recursion: folders can be nested deeper than Python's stack.
        waiting = [path]
        while waiting:
            folder = waiting[-1]
            children = self._children.get(folder, ())
            missing = [child for child in children if self._entries[child].kind == "dir" and child not in self._digests]
            if missing and folder not in self._digests:
                waiting += missing
                continue
            waiting.pop()
            if folder in self._digests:
                continue
            header = self._entries.get(folder)
            hashed = hashlib.sha256(header_of(header).encode(errors="surrogatepass") if header else b"root")
            for child in children:
                below = self._entries[child]
                digest = self._digests[child] if below.kind == "dir" else header_of(below)
                hashed.update(f"\0{child.rpartition('/')[2]}\0{digest}".encode(errors="surrogatepass"))
            self._digests[folder] = hashed.hexdigest()
        return self._digests[path]

    def _list_digest(self, selector: Selector) -> str | None:
        """The digest of a pattern, or of a path with `--exclude`: `Checksum` of BuildKit, for more than one plain path."""
        digests: list[tuple[str, str | None]] = []
        for included in self._included_paths(selector):
            entry = self._entries[included.path]
            # Of a folder only the header counts: its files are included one by one, as some of them may be excluded.
            is_followed = entry.kind == "symlink" and included.follow
            digest = self._path_digest(Selector(included.path)) if is_followed else header_of(entry)
            digests.append((posixpath.basename(included.shown), digest))
        if not digests:
            # No match is an error only where the folder of the pattern is missing, too.
            has_folder = (
                not selector.wildcard or self._resolved(_folder_before_wildcard(selector.path), follow=True) is not None
            )
            return EMPTY if has_folder else None
        if any(digest is None for _, digest in digests):
            return None
        # A pattern that matches one file of its own name has that file's digest, so `COPY f*` can be a hit of `COPY f`.
        if len(digests) == 1 and digests[0][0] == posixpath.basename(selector.path):
            return digests[0][1]
        # Base names, as `Checksum` of BuildKit 0.25 hashes `path.Base`: the folder of a match does not count. BuildKit 0.26 and
        # later hash the path below the pattern's prefix.
        joined = "\0".join(f"{name}\0{digest}" for name, digest in digests)
        return hashlib.sha256(joined.encode(errors="surrogatepass")).hexdigest()

    def _included_paths(self, selector: Selector) -> list[_IncludedPath]:
        """The paths that a pattern includes, one by one: `includedPaths` of BuildKit."""
        patterns = IgnorePatterns(selector.excludes, origin="--exclude")
        if selector.wildcard:
            starts = self._outermost_matches(selector.path)
        else:
            start = self._resolved(selector.path, follow=False)
            starts = [] if start is None else [(start, selector.path)]
        return [one for path, shown in starts for one in self._not_excluded(_IncludedPath(path, shown, True), patterns)]

    def _not_excluded(self, start: _IncludedPath, patterns: IgnorePatterns) -> list[_IncludedPath]:
        """The paths below a start that the patterns leave, parents first. An excluded folder stays when a file in it does."""
        visited: list[tuple[_IncludedPath, int]] = []
        counts: list[bool] = []
        waiting: list[tuple[_IncludedPath, str, Matched, int]] = [(start, "", (), -1)]
        while waiting:
            current, inside, inherited, parent = waiting.pop()
            is_root = current.path == "/"
            excluded, matched = patterns.match(inside, inherited) if patterns and not is_root else (False, ())
            place = len(visited)
            visited.append((current, parent))
            counts.append(not is_root and not excluded)
            for child in reversed(self._children.get(current.path, ())):
                name = child.rpartition("/")[2]
                # `includedPaths` follows links without a parent in its list of folders, and the root is never in that list.
                below = _IncludedPath(child, f"{current.shown.rstrip('/')}/{name}", follow=is_root)
                waiting.append((below, f"{inside}/{name}" if inside else name, matched, place))
        # Backwards, as children come after their folder in the list.
        for place in range(len(visited) - 1, 0, -1):
            _, parent = visited[place]
            counts[parent] = counts[parent] or (counts[place] and visited[parent][0].path != "/")
        return [one for (one, _), stays in zip(visited, counts, strict=True) if stays]

    def _outermost_matches(self, pattern: str) -> list[tuple[str, str]]:
        """The outermost paths that match a pattern, each with its name in the pattern.

        Symlinks in the part before any wildcard are followed, and the names keep the symlink's name.
        """
        prefix = _folder_before_wildcard(pattern)
        start = self._resolved(prefix, follow=True)
        if start is None:
            return []
        path_pattern = _path_pattern(pattern)
        # Only a class such as `[^a]` matches a slash. Without one nothing deeper than the pattern can match, and a context may
        # have thousands of files there.
        depth = pattern.count("/") if "[" not in pattern else None
        matches: list[tuple[str, str]] = []
        waiting = [(start, prefix)]
        while waiting:
            path, shown = waiting.pop()
            if path != start and path_pattern.fits(shown):
                # A match counts with all that is below it, so nothing below needs to match.
                matches.append((path, shown))
                continue
            if depth is not None and shown.count("/") >= depth:
                continue
            children = reversed(self._children.get(path, ()))
            waiting += [(child, f"{shown}/{child.rpartition('/')[2]}") for child in children]
        return matches

    def _resolved(self, path: str, *, follow: bool) -> str | None:
        """The path with every symlink on the way replaced, and the last one too when `follow`; None when it leads nowhere."""
        return self._followed(path, follow=follow)[0]

    def _followed(self, path: str, *, follow: bool) -> tuple[str | None, bool]:
        """Where a path leads, None for nowhere; and whether the reason is too many symlinks."""
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
            # The context is the root of all links in it: `..` at the top stays there, and `/x` is `x` of the context.
            current = "/" if entry.link.startswith("/") else current
            waiting = [piece for piece in entry.link.split("/") if piece] + waiting
        return current, False


def _folder_before_wildcard(pattern: str) -> str:
    parts = pattern.split("/")
    plain = next((number for number, part in enumerate(parts) if has_wildcard(part)), len(parts) - 1)
    return "/".join(parts[:plain])


def is_unsendable(entry: Entry) -> bool:
    # Paths are protobuf strings on the way to BuildKit, and those must be UTF-8.
    return NOT_UTF8.search(entry.path + entry.link) is not None


def folders_above(path: str) -> Iterator[str]:
    """`/a` and the root, which is "", of `/a/b`; `/a/b`, too, of `/a/b/`; `a` of `a/b`."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def header_of(entry: Entry) -> str:
    mode = 0 if entry.kind == "symlink" else entry.mode
    return f"{entry.kind} {mode:o} {entry.size_bytes} {entry.digest} {entry.link}"


@lru_cache(maxsize=1024)
def _path_pattern(pattern: str) -> PathPattern:
    return PathPattern(pattern)


def lies_in(path: str, selector: Selector) -> bool:
    above = [path]
    while above[-1] != "/":
        above.append(posixpath.dirname(above[-1]))
    if selector.wildcard:
        pattern = _path_pattern(selector.path)
        return any(pattern.fits(folder) for folder in above)
    return selector.path in above
