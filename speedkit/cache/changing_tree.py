"""A file tree that goes through the versions of a history: a change costs time for what changed, not for all files.

The digest of a folder is made of the sum of a hash of each child, as in AdHash (Bellare and Micciancio, "A New Paradigm for
Collision-free Hashing"): when a child changes, its old hash is subtracted and its new one added, however many others there are.
With a hash of the whole list, a repository of 100,000 files takes ten times as long for each changed file.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from speedkit.context import Entry, IgnorePatterns, Manifest

from .content_digest import Selector, Tree, folders_above, header_of, is_unsendable, lies_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from speedkit.context import Matched

__all__ = ["ChangingTree"]

_ROOT = "/"
_END_OF_SUMS = 1 << 256
_NO_PATTERNS: Matched = ()


class ChangingTree(Tree):
    """The files of a build context, to be changed by `change`. The digests of folders are others than those of a `Tree`."""

    def __init__(self) -> None:
        super().__init__(Manifest(()))
        self._files: dict[str, Entry] = {}
        self._names: dict[str, list[str]] = {}
        self._links = 0
        self._not_sent: dict[str, None] = {}
        self._sums: dict[str, int] = {}
        self._hashes: dict[str, int] = {}
        """Of each path, its part of the sum of its folder."""
        self._outdated: dict[str, set[str]] = {}
        """For each folder, the children whose part of the sum is no longer right."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._below(_ROOT))

    @property
    def has_symlinks(self) -> bool:
        return self._links > 0

    @property
    def _entries(self) -> dict[str, Entry]:
        return self._files

    @property
    def _children(self) -> dict[str, list[str]]:
        return self._names

    @property
    def _unsendable(self) -> tuple[str, ...]:
        return tuple(self._not_sent)

    def entry(self, path: str) -> Entry | None:
        """The entry at a path of the context."""
        return self._files.get(f"/{path}")

    def has_children(self, folder: str) -> bool:
        """Whether anything lies in a folder; "" is the root."""
        return bool(self._names.get(f"/{folder}"))

    def change(self, changes: Mapping[str, Entry | None]) -> None:
        """Sets the entries of some paths; None removes one. The folders of an entry have to be there, or be set as well."""
        had_links = self.has_symlinks
        for path, entry in changes.items():
            self._set(f"/{path}", entry)
        for path in changes:
            child = f"/{path}"
            self._digests.pop(child, None)
            for above in folders_above(child):
                folder = above or _ROOT
                self._digests.pop(folder, None)
                self._outdated.setdefault(folder, set()).add(child)
                child = folder
        # A pattern is costly to match again. With symlinks, a change may matter to a selector that does not name it.
        keep = not had_links and not self.has_symlinks
        paths = [f"/{path}" for path in changes]

        # A change matters to a selector that reads its path, or reads something below it: the path may have been a folder.
        self._selector_digests = {
            selector: digest
            for selector, digest in self._selector_digests.items()
            if keep
            and (selector.wildcard or selector.excludes)
            and not any(lies_in(path, selector) or selector.path.startswith(f"{path}/") for path in paths)
        }

    def reads(self, path: str, selector: Selector) -> bool:
        """Whether a selector reads a path of the context."""
        place = f"/{path}"
        start = selector.path
        if not lies_in(place, selector):
            resolved = self._resolved(selector.path, follow=selector.follow) if self._links and not selector.wildcard else None
            if resolved is None or not place.startswith(f"{resolved.rstrip('/')}/"):
                return False
            start = resolved
        if not selector.excludes:
            return True
        patterns = IgnorePatterns(selector.excludes, origin="--exclude")
        ignored, inherited = False, _NO_PATTERNS
        inside = place[len(start.rstrip("/")) + 1 :] if not selector.wildcard else path
        for part in (*reversed([*folders_above(inside)]), inside):
            ignored, inherited = patterns.match(part, inherited) if part else (False, ())
        return not ignored

    def entries_of(self, selector: Selector) -> Iterator[Entry]:
        """The entries that a selector covers, folders included."""
        if selector.wildcard or selector.excludes:
            yield from super().entries_of(selector)
            return
        start = self._resolved(selector.path, follow=selector.follow)
        if start is not None:
            yield from ([self._files[start]] if start != _ROOT else [])
            yield from self._below(start)

    def _digest(self, path: str) -> str:
        entry = self._files.get(path)
        if entry is not None and entry.kind != "dir":
            return header_of(entry)
        # A list instead of recursion: folders can be nested deeper than Python's stack.
        waiting = [path]
        while waiting:
            folder = waiting[-1]
            outdated = self._outdated.get(folder, ())
            below = [
                child
                for child in outdated
                if child not in self._digests and (entry := self._files.get(child)) is not None and entry.kind == "dir"
            ]
            if below:
                waiting += below
                continue
            waiting.pop()
            if folder in self._digests:
                continue
            total = self._sums.get(folder, 0)
            for child in outdated:
                part = self._part(child)
                total += part - self._hashes.get(child, 0)
                self._hashes[child] = part
            self._outdated.pop(folder, None)
            self._sums[folder] = total = total % _END_OF_SUMS
            own = self._files.get(folder)
            text = f"{header_of(own) if own is not None else 'root'}\0{total:x}"
            self._digests[folder] = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        return self._digests[path]

    def _part(self, path: str) -> int:
        """The part of a child in the sum of its folder; 0 for one that is gone."""
        entry = self._files.get(path)
        if entry is None:
            return 0
        digest = self._digests[path] if entry.kind == "dir" else header_of(entry)
        text = f"{path.rpartition('/')[2]}\0{digest}".encode(errors="surrogatepass")
        return int.from_bytes(hashlib.sha256(text).digest(), "big")

    def _below(self, folder: str) -> Iterator[Entry]:
        waiting = [iter(self._names.get(folder, ()))]
        while waiting:
            child = next(waiting[-1], None)
            if child is None:
                waiting.pop()
                continue
            yield self._files[child]
            if child in self._names:
                waiting.append(iter(self._names[child]))

    def _set(self, path: str, entry: Entry | None) -> None:
        old = self._files.get(path)
        if old is not None:
            self._links -= old.kind == "symlink"
            self._not_sent.pop(path, None)
        siblings = self._names.setdefault(path.rpartition("/")[0] or _ROOT, [])
        if entry is None:
            if old is not None:
                del self._files[path]
                del siblings[bisect_left(siblings, path)]
            return
        if old is None:
            insort(siblings, path)
        self._files[path] = entry
        self._links += entry.kind == "symlink"
        if is_unsendable(entry):
            self._not_sent[path] = None
