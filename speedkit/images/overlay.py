"""Lays the layers of an image over each other: the final file system, and the changes of each layer.

Pure. The rules: image-spec, layer.md, "Applying Changesets". A whiteout hides files of lower layers, never of its own layer.
A directory over a directory keeps the files in it; anything else replaces. If a layer lists a path and not its parent, the
parent becomes a directory, as in overlay2.

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
    """A directory of the merged tree: its number, or IMPLICIT if no layer lists it, and its entries by name."""

    __slots__ = ("children", "number")

    def __init__(self, number: int = IMPLICIT) -> None:
        self.number = number
        self.children: dict[str, Folder | int] = {}


@dataclass(slots=True)
class MergedLayers:
    """All files of an image, its final tree, and what each layer does to the tree below it.

    files: of all layers, by number. starts: the number of each layer's first file, and behind them the count of all files.
    states: ADDED, CHANGED or UNTOUCHED for each file; a directory that a layer lists only for the files in it is UNTOUCHED.
    replaced: for each changed file the number of the file it replaces. removed: for each layer the removed paths with their
    numbers. shows: for each hard link the file it shows. landed: the real paths of files whose layer names them through a
    symlink of its own.
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
        """The directory or file at a path, with symlinks followed inside the image; None if there is none."""
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
    """Paths and numbers of a node and of everything below it; IMPLICIT for directories that no layer lists."""
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
    """The numbers that `walk` gives for a folder, in another order. Without the paths it takes half the time."""
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
        # Whiteouts first, wherever the archive has them: they must not hide files of this layer.
        self._hide()
        last_parent: str | None = None
        folder, landed = self.merged.root, ""
        for number, (path, kind) in enumerate(zip(self.files.paths, self.files.kinds, strict=True), self.first):
            if kind in (WHITEOUT, OPAQUE):
                continue
            parent, _, name = path.rpartition("/")
            # Archives list the files of a folder one after the other, so most files need no search for their folder.
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
                for child_name, child in before.children.items():
                    self._remove(f"{path}/{child_name}", child)
                # The directory of the last parent may be gone now.
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
        """Record the files at and below a path as removed if they are of lower layers, and as never added if of this layer."""
        for removed_path, number in walk(node, path):
            if number >= self.first:
                self.merged.states[number] = UNTOUCHED
                number = self.replaced.pop(number, IMPLICIT)
            if number != IMPLICIT:
                self.removed[removed_path] = number

    def _folder(self, path: str) -> tuple[Folder, str]:
        """The directory at a path of this layer, created if no layer lists it, and its real path.

        Only symlinks of this layer are followed, even to paths that do not exist: an engine unpacks each layer into a folder
        of its own, where the symlinks of lower layers are not.
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
            # A path that a whiteout removes, and that the same layer lists, is changed.
            old = self.removed.pop(path, None) if self.removed else None
        elif old >= self.first:
            # The layer lists the path twice: the last one counts, and replaces what the first one replaced.
            self.merged.states[old] = UNTOUCHED
            old = self.replaced.pop(old, None)
        if old is None:
            self.merged.states[new] = ADDED
        else:
            self.merged.states[new] = CHANGED
            self.replaced[new] = old

    def _link(self, number: int) -> None:
        """Record the file that a hard link shows. It stays visible through the link when its own path is removed."""
        target = self.merged.find(self.merged.files.links[number], follow_last=False)
        if isinstance(target, int):
            self.merged.shows[number] = self.merged.shown(target)

    def _leave_out_untouched(self) -> None:
        # The archive of a layer lists each directory on the way to its files, mostly without a change to it.
        files = self.merged.files
        for new in [new for new in self.replaced if files.kinds[new] == DIRECTORY]:
            old = self.replaced[new]
            if all(column[new] == column[old] for column in (files.kinds, files.modes, files.uids, files.gids)):
                self.merged.states[new] = UNTOUCHED
                del self.replaced[new]
