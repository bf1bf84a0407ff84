"""A file tree that goes through the versions of a history: a change costs time for what changed, not for all files."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from speedkit.context import Entry, IgnorePatterns, Manifest

from .content_digest import Selector, Tree, folders_above, is_unsendable, lies_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from speedkit.context import Matched

__all__ = ["ChangingTree"]

_ROOT = "/"
_NO_PATTERNS: Matched = ()


class ChangingTree(Tree):
    """The files of a build context, to be changed by `change`. Its digests are those of a `Tree` of the same files."""

    def __init__(self) -> None:
        super().__init__(Manifest(()))
        self._files: dict[str, Entry] = {}
        self._names: dict[str, list[str]] = {}
        self._links = 0
        self._not_sent: dict[str, None] = {}

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
        outdated = {_ROOT, *(above or _ROOT for path in changes for above in folders_above(f"/{path}"))}
        for folder in (*outdated, *(f"/{path}" for path in changes)):
            self._digests.pop(folder, None)
        # A pattern is costly to match again. With symlinks, a change may matter to a selector that does not name it.
        keep = not had_links and not self.has_symlinks
        paths = [f"/{path}" for path in changes]
        self._selector_digests = {
            selector: digest
            for selector, digest in self._selector_digests.items()
            if keep and (selector.wildcard or selector.excludes) and not any(_matters(path, selector) for path in paths)
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


def _matters(path: str, selector: Selector) -> bool:
    """Whether a change at a path can change the digest of a selector: the path is read, or is a folder above what is read."""
    return lies_in(path, selector) or selector.path.startswith(f"{path}/")
