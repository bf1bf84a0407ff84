"""Lays the layers of an image over each other: what each adds, changes and removes, and what is seen in the end.

Pure. The rules: image-spec, layer.md, "Applying Changesets". Whiteouts hide what lower layers have, never what their own
layer has. A directory over a directory keeps what is inside; anything else replaces. A path whose parent a layer does
not list makes that parent a directory, as overlay2 does.

A file is a number: its layer's place, 32 bits to the left, plus its index in that layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from .files import DIRECTORY, HARD_LINK, OPAQUE, SYMLINK, WHITEOUT, Files

__all__ = [
    "ADDED",
    "CHANGED",
    "IMPLICIT",
    "INDEX_MASK",
    "LAYER_SHIFT",
    "Folder",
    "Merge",
    "Overlay",
    "merge",
    "numbers",
    "walk",
]

LAYER_SHIFT = 32
INDEX_MASK = (1 << LAYER_SHIFT) - 1
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
class Overlay:
    """What one layer does to the tree below it.

    states: ADDED, CHANGED or UNTOUCHED for each of the layer's files. before: the number of what a changed file replaced.
    removed: path → number of what the layer took away. A directory that is there only for what is in it is UNTOUCHED.
    """

    states: bytearray
    before: dict[int, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Merge:
    """The whole image: its final tree, what each layer did, and for hard links the number of the file they show.

    landed: where a file is whose layer names it through a symlink of its own, by its number.
    """

    layers: Sequence[Files]
    root: Folder = field(default_factory=Folder)
    overlays: list[Overlay] = field(default_factory=list)
    shows: dict[int, int] = field(default_factory=dict)
    landed: dict[int, str] = field(default_factory=dict)

    def shown(self, number: int) -> int:
        return self.shows.get(number, number)

    def kind(self, number: int) -> int:
        return self.layers[number >> LAYER_SHIFT].kinds[number & INDEX_MASK]

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
                link = self.link(child)
                trail = trail[:1] if link.startswith("/") else trail
                waiting.extend(link.split("/")[::-1])
            else:
                return None
        return trail[-1]

    def link(self, number: int) -> str:
        """Where a symlink points."""
        return self.layers[number >> LAYER_SHIFT].links[number & INDEX_MASK]


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


def merge(layers: Sequence[Files]) -> Merge:
    """The layers laid over each other, lowest first."""
    merged = Merge(layers)
    for place, files in enumerate(layers):
        merged.overlays.append(_Laying(merged, place).lay(files))
    return merged


class _Laying:
    """Lays one layer over the tree."""

    def __init__(self, merged: Merge, place: int) -> None:
        self.merged = merged
        self.files = merged.layers[place]
        self.place = place
        self.overlay = Overlay(bytearray(len(self.files)))

    def lay(self, files: Files) -> Overlay:
        self._hide()
        last_parent: str | None = None
        folder, landed = self.merged.root, ""
        first_number = self.place << LAYER_SHIFT
        for index, (path, kind) in enumerate(zip(files.paths, files.kinds, strict=True)):
            if kind in (WHITEOUT, OPAQUE):
                continue
            parent, _, name = path.rpartition("/")
            if parent != last_parent:
                folder, landed = self._folder(parent)
                last_parent = parent
            if landed != parent:
                path = self.merged.landed[first_number + index] = f"{landed}/{name}".lstrip("/")
            before = folder.children.get(name)
            self._note(index, path, before)
            if kind == DIRECTORY:
                if isinstance(before, Folder):
                    before.number = first_number + index
                else:
                    folder.children[name] = Folder(first_number + index)
                continue
            if kind == HARD_LINK:
                self._link(index)
            if isinstance(before, Folder):
                self._displace(path, before)
                last_parent = None
            folder.children[name] = first_number + index
        self._leave_out_untouched()
        return self.overlay

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
            if number >> LAYER_SHIFT == self.place:
                self.overlay.states[number & INDEX_MASK] = UNTOUCHED
                number = self.overlay.before.pop(number & INDEX_MASK, IMPLICIT)
            if number != IMPLICIT:
                self.overlay.removed[gone] = number

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
                link = self.merged.link(child)
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
        return number is not None and number >> LAYER_SHIFT == self.place and self.merged.kind(number) == SYMLINK

    def _note(self, index: int, path: str, before: Folder | int | None) -> None:
        overlay = self.overlay
        number = before.number if isinstance(before, Folder) else before
        if number is None or number == IMPLICIT:
            number = overlay.removed.pop(path, None) if overlay.removed else None
        elif number >> LAYER_SHIFT == self.place:
            overlay.states[number & INDEX_MASK] = UNTOUCHED
            number = overlay.before.pop(number & INDEX_MASK, None)
        if number is None:
            overlay.states[index] = ADDED
        else:
            overlay.states[index] = CHANGED
            overlay.before[index] = number

    def _link(self, index: int) -> None:
        """A hard link shows the file it names, for as long as the link is there."""
        target = self.merged.find(self.files.links[index], follow_last=False)
        if isinstance(target, int):
            self.merged.shows[(self.place << LAYER_SHIFT) + index] = self.merged.shown(target)

    def _leave_out_untouched(self) -> None:
        files, before = self.files, self.overlay.before
        for index in [index for index in before if files.kinds[index] == DIRECTORY]:
            number = before[index]
            lower, at = self.merged.layers[number >> LAYER_SHIFT], number & INDEX_MASK
            now = (DIRECTORY, files.modes[index], files.uids[index], files.gids[index])
            if now == (lower.kinds[at], lower.modes[at], lower.uids[at], lower.gids[at]):
                self.overlay.states[index] = UNTOUCHED
                del before[index]
