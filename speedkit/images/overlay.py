"""Lays the layers of an image over each other: what each adds, changes and removes, and what is seen in the end.

Pure. The rules: image-spec, layer.md, "Applying Changesets". Whiteouts hide what lower layers have, never what their own
layer has. A directory over a directory keeps what is inside; anything else replaces. A path whose parent a layer does
not list makes that parent a directory, as overlay2 does.

A file's number is its index in the list of all files of all layers, the lowest layer first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeGuard

from .files import DIRECTORY, HARD_LINK, OPAQUE, SYMLINK, WHITEOUT, Files

__all__ = ["ADDED", "CHANGED", "IMPLICIT", "Folder", "MergedLayers", "merge_layers", "numbers", "walk"]

IMPLICIT = -1
UNTOUCHED, ADDED, CHANGED = range(3)
SYMLINKS_AT_MOST = 40  # Linux' MAXSYMLINKS


class Folder:
    """A directory of the merged tree: its own number, IMPLICIT when no layer lists it, and what is in it by name."""

    __slots__ = ("children", "number")

    def __init__(self, number: int = IMPLICIT) -> None:
        self.number = number
        self.children: dict[str, Folder | int] = {}


@dataclass(slots=True)
class MergedLayers:
    """All files of an image, its final tree, and what each layer does to the tree below it.

    files: of all layers, by number. starts: for each layer the number of its first file, and the number of files at the end.
    states: ADDED, CHANGED or UNTOUCHED for each file; a directory that is there only for what is in it is UNTOUCHED.
    replaced: for each changed file the number of what it replaced. removed: for each layer the path and number of what it
    took away. shows: for each hard link the file it shows. landed: where a file is that its layer names through a symlink
    of its own.
    """

    files: Files
    starts: tuple[int, ...]
    states: bytearray
    root: Folder = field(default_factory=Folder)
    replaced: dict[int, int] = field(default_factory=dict)
    removed: list[dict[str, int]] = field(default_factory=list)
    shows: dict[int, int] = field(default_factory=dict)
    landed: dict[int, str] = field(default_factory=dict)

    def numbers_of(self, place: int) -> range:
        """The numbers of the files of the layer at a place."""
        return range(self.starts[place], self.starts[place + 1])

    def place_of(self, number: int) -> int:
        """The place of the layer that stores a file."""
        return bisect_right(self.starts, number) - 1

    def shown(self, number: int) -> int:
        return self.shows.get(number, number)

    def kind(self, number: int) -> int:
        return self.files.kinds[number]

    def size(self, number: int) -> int:
        """Bytes of a file; none of a directory that no layer lists."""
        return 0 if number == IMPLICIT else self.files.sizes[number]

    def find(self, path: str, *, follow_last: bool = True) -> Folder | int | None:
        """What is at a path, symlinks followed within the image; None when nothing is."""
        trail = [self.root]
        waiting = path.split("/")[::-1]
        links_left = SYMLINKS_AT_MOST
        while waiting:
            name = waiting.pop()
            if name == ".." and len(trail) > 1:
                trail.pop()
            if name in ("", ".", ".."):
                continue
            child = trail[-1].children.get(name)
            if isinstance(child, Folder):
                trail.append(child)
            elif child is None or self.kind(child) != SYMLINK or not (waiting or follow_last):
                return None if waiting else child
            elif links_left := links_left - 1:
                link = self.files.links[child]
                trail = trail[:1] if link.startswith("/") else trail
                waiting.extend(link.split("/")[::-1])
            else:
                return None
        return trail[-1]


def walk(node: Folder | int, path: str = "") -> Iterator[tuple[str, int]]:
    """Path and number of the node and all that is below it; IMPLICIT for directories that no layer lists."""
    waiting: list[tuple[str, Folder | int]] = [(path, node)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, int):
            yield path, node
            continue
        if path:
            yield path, node.number
        prefix = f"{path}/" if path else ""
        waiting.extend([(prefix + name, child) for name, child in node.children.items()])


def numbers(folder: Folder) -> Iterator[int]:
    """The numbers that `walk` gives of all that is below a folder, in another order: without paths that is twice as fast."""
    waiting = [folder]
    while waiting:
        for child in waiting.pop().children.values():
            if isinstance(child, Folder):
                yield child.number
                waiting.append(child)
            else:
                yield child


def merge_layers(layers: Sequence[Files]) -> MergedLayers:
    """The layers laid over each other, lowest first."""
    starts = tuple(accumulate(map(len, layers), initial=0))
    merged = MergedLayers(Files.joined(layers), starts, bytearray(starts[-1]))
    for files, first in zip(layers, starts, strict=False):
        _Laying(merged, files, first).lay()
    return merged


class _Laying:
    """Lays one layer over the tree.

    first: the number of the layer's first file. replaced, removed: as those of MergedLayers, of this layer.
    """

    def __init__(self, merged: MergedLayers, files: Files, first: int) -> None:
        self.merged = merged
        self.files = files
        self.first = first
        self.replaced: dict[int, int] = {}
        self.removed: dict[str, int] = {}

    def lay(self) -> None:
        self._hide()
        last_parent: str | None = None
        folder, landed = self.merged.root, ""
        for number, (path, kind) in enumerate(zip(self.files.paths, self.files.kinds, strict=True), self.first):
            if kind in (WHITEOUT, OPAQUE):
                continue
            parent, _, name = path.rpartition("/")
            if parent != last_parent:
                folder, landed = self._folder(parent)
                last_parent = parent
            if landed != parent:
                path = self.merged.landed[number] = f"{landed}/{name}".lstrip("/")
            before = folder.children.get(name)
            self._note(number, path, before)
            if kind == DIRECTORY:
                if isinstance(before, Folder):
                    before.number = number
                else:
                    folder.children[name] = Folder(number)
                continue
            if kind == HARD_LINK:
                self._link(number)
            if isinstance(before, Folder):
                self._displace(path, before)
                last_parent = None
            folder.children[name] = number
        self._leave_out_untouched()
        self.merged.replaced |= self.replaced
        self.merged.removed.append(self.removed)

    def _hide(self) -> None:
        kinds = self.files.kinds
        if WHITEOUT not in kinds and OPAQUE not in kinds:
            return
        for index, path in enumerate(self.files.paths):
            if kinds[index] == WHITEOUT:
                parent, _, name = path.rpartition("/")
                folder = self._lower_folder(parent)
                if folder is not None and (node := folder.children.pop(name, None)) is not None:
                    self._remove(path, node)
            elif kinds[index] == OPAQUE and (folder := self._lower_folder(path)) is not None:
                for name, node in folder.children.items():
                    self._remove(f"{path}/{name}".lstrip("/"), node)
                folder.children.clear()

    def _lower_folder(self, path: str) -> Folder | None:
        folder = self.merged.root
        for name in path.split("/") if path else ():
            child = folder.children.get(name)
            if not isinstance(child, Folder):
                return None
            folder = child
        return folder

    def _remove(self, path: str, node: Folder | int) -> None:
        """Note what is no longer there: of lower layers as removed, of this layer as never added."""
        for gone, number in walk(node, path):
            if number >= self.first:
                self.merged.states[number] = UNTOUCHED
                number = self.replaced.pop(number, IMPLICIT)
            if number != IMPLICIT:
                self.removed[gone] = number

    def _displace(self, path: str, folder: Folder) -> None:
        for name, node in folder.children.items():
            self._remove(f"{path}/{name}", node)

    def _folder(self, path: str) -> tuple[Folder, str]:
        """The directory at a path of this layer, made where no layer lists it, and where it is.

        Symlinks that this layer itself brought are followed, also to what is not there, as an engine does that unpacks each
        layer into a folder of its own.
        """
        folder, landed = self.merged.root, ""
        waiting = path.split("/")[::-1] if path else []
        links_left = SYMLINKS_AT_MOST
        trail = [(folder, landed)]
        while waiting:
            name = waiting.pop()
            if name == ".." and len(trail) > 1:
                trail.pop()
                folder, landed = trail[-1]
            if name in ("", ".", ".."):
                continue
            child = folder.children.get(name)
            at = f"{landed}/{name}".lstrip("/")
            if links_left and not isinstance(child, Folder) and self._is_own_symlink(child):
                links_left -= 1
                link = self.merged.files.links[child]
                if link.startswith("/"):
                    del trail[1:]
                    folder, landed = trail[0]
                waiting.extend(link.split("/")[::-1])
                continue
            if not isinstance(child, Folder):
                if child is not None:
                    self._remove(at, child)
                child = folder.children[name] = Folder()
            folder, landed = child, at
            trail.append((folder, landed))
        return folder, landed

    def _is_own_symlink(self, number: int | None) -> TypeGuard[int]:
        return number is not None and number >= self.first and self.merged.kind(number) == SYMLINK

    def _note(self, new: int, path: str, before: Folder | int | None) -> None:
        old = before.number if isinstance(before, Folder) else before
        if old is None or old == IMPLICIT:
            old = self.removed.pop(path, None) if self.removed else None
        elif old >= self.first:
            self.merged.states[old] = UNTOUCHED
            old = self.replaced.pop(old, None)
        if old is None:
            self.merged.states[new] = ADDED
        else:
            self.merged.states[new] = CHANGED
            self.replaced[new] = old

    def _link(self, number: int) -> None:
        """A hard link shows the file it names, for as long as the link is there."""
        target = self.merged.find(self.merged.files.links[number], follow_last=False)
        if isinstance(target, int):
            self.merged.shows[number] = self.merged.shown(target)

    def _leave_out_untouched(self) -> None:
        files = self.merged.files
        for new in [new for new in self.replaced if files.kinds[new] == DIRECTORY]:
            old = self.replaced[new]
            if all(column[new] == column[old] for column in (files.kinds, files.modes, files.uids, files.gids)):
                self.merged.states[new] = UNTOUCHED
                del self.replaced[new]
