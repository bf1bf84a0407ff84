"""Trees of files that a user opens folder by folder: the final file system, the changes of a layer, or two images compared.

A tree is built once. A folder has the bytes and the number of files below it. A file is only a number until its row is
shown, and only visible rows are made: an image of a million files never becomes a million rows.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from speedkit.messages import Labels, marked, message

from .files import DIRECTORY, KINDS, OPAQUE, REGULAR, WHITEOUT
from .image import Image
from .image_comparison import ImageComparison
from .overlay import ADDED, CHANGED, IMPLICIT, MergedLayers, walk

__all__ = ["FileState", "FileTree", "Sorting", "TreeRow", "tree_of_comparison", "tree_of_image", "tree_of_layer"]

FileState = Literal["", "added", "changed", "removed"]
Sorting = Literal["size", "name"]

SAME = marked("same content")
NOTES = Labels({"kind": marked("another kind of file"), "owner or mode": marked("owner or mode")})
STATES: dict[int, FileState] = {ADDED: "added", CHANGED: "changed"}


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One line of a tree.

    kind: of the file, or "more" for the line that stands for the hidden files of a folder. size_bytes, files: for a folder, of
    everything below it. before_bytes: the size before a change or removal. place: of the layer that stores the file; None for
    a folder, and in comparisons. opened: None for a row that cannot be opened. note: a remark.
    """

    path: str
    name: str
    depth: int
    kind: str
    size_bytes: int
    before_bytes: int = 0
    files: int = 1
    state: FileState = ""
    place: int | None = None
    link: str = ""
    note: str = ""
    opened: bool | None = None


class _Folder:
    """number: None for a folder that no entry names."""

    __slots__ = ("before_bytes", "children", "files", "number", "size_bytes")

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        self.children: dict[str, _Folder | int] = {}
        self.size_bytes = self.before_bytes = self.files = 0


Measure = Callable[[int], tuple[int, int]]
Describe = Callable[[int, str], TreeRow]


class FileTree:
    """A tree of paths without a leading slash, each with a number that stands for a file.

    describe: makes the row of a number at a path. measure: gives its bytes now and before the change. is_folder: whether it
    is a directory.
    """

    def __init__(
        self, entries: Iterable[tuple[str, int]], *, describe: Describe, measure: Measure, is_folder: Callable[[int], bool]
    ) -> None:
        self._root = _Folder()
        self._describe, self._measure = describe, measure
        above, trail = "", [self._root]
        for path, number in entries:
            parent, _, name = path.rpartition("/")
            if parent != above:
                above, trail = parent, self._trail(parent)
            self._add(trail, name, number, is_folder=is_folder(number))

    @property
    def size_bytes(self) -> int:
        return self._root.size_bytes

    @property
    def files(self) -> int:
        return self._root.files

    def rows(
        self, opened: Collection[str] = (), *, by: Sorting = "size", counts: Mapping[str, int] | None = None, most: int = 100
    ) -> Iterator[TreeRow]:
        """The visible lines, top down.

        opened: paths of the open folders. most: the number of lines of a folder. counts: exceptions from `most`, by path.
        """
        line_counts = counts or {}
        waiting = self._lines(self._root, "", 0, by, line_counts.get("/", most))[::-1]
        while waiting:
            row = waiting.pop()
            is_open = row.opened is not None and row.path in opened
            yield replace(row, opened=True) if is_open else row
            if is_open:
                lines = self._lines(self._folder(row.path), row.path, row.depth + 1, by, line_counts.get(row.path, most))
                waiting += reversed(lines)

    def worth_opening(self, *, most: int) -> frozenset[str]:
        """The folders to open at first: the largest ones, as long as no more than `most` lines are visible."""
        opened: set[str] = set()
        lines = min(len(self._root.children), most)
        waiting = [(-self._weight(node), f"/{name}", node) for name, node in self._folders(self._root)]
        heapq.heapify(waiting)
        while waiting:
            _, path, folder = heapq.heappop(waiting)
            if folder.children and lines + len(folder.children) <= most:
                lines += len(folder.children)
                opened.add(path)
                for name, child in self._folders(folder):
                    heapq.heappush(waiting, (-self._weight(child), f"{path}/{name}", child))
        return frozenset(opened)

    @staticmethod
    def _folders(folder: _Folder) -> Iterator[tuple[str, _Folder]]:
        return ((name, child) for name, child in folder.children.items() if isinstance(child, _Folder))

    def search(self, text: str, *, most: int) -> tuple[list[TreeRow], int]:
        """The largest files whose path contains a text in upper or lower case, and the number of all such files."""
        folded = text.casefold()
        matches = [(path, node) for path, node in self._every() if folded in path.casefold()]
        largest = heapq.nsmallest(most, matches, key=lambda match: (-self._weight(match[1]), match[0]))
        return [self._row(path, path, node, 0) for path, node in largest], len(matches)

    def row(self, path: str) -> TreeRow | None:
        """The row of a path; None if there is nothing."""
        node: _Folder | int | None = self._root
        for name in path.strip("/").split("/") if path.strip("/") else ():
            node = node.children.get(name) if isinstance(node, _Folder) else None
        return None if node is None else self._row(path, path.rpartition("/")[2] or "/", node, 0)

    def largest(self, path: str, *, most: int) -> list[TreeRow]:
        """The rows of the largest files and folders in a folder, and a line for the others."""
        return self._lines(self._folder(path), path.rstrip("/"), 0, "size", most)

    def _folder(self, path: str) -> _Folder:
        """The folder at a path; an empty one if there is none."""
        folder = self._root
        for name in path.strip("/").split("/") if path.strip("/") else ():
            child = folder.children.get(name)
            if not isinstance(child, _Folder):
                return _Folder()
            folder = child
        return folder

    def _trail(self, path: str) -> list[_Folder]:
        """The folders on the way to a path; missing ones are added."""
        trail = [self._root]
        for name in path.split("/") if path else ():
            child = trail[-1].children.get(name)
            if not isinstance(child, _Folder):
                # A layer may replace a folder by a file, and the removed files of the folder are below that path.
                made = _Folder(child)
                if child is not None:
                    made.size_bytes, made.before_bytes = self._measure(child)
                trail[-1].children[name] = child = made
            trail.append(child)
        return trail

    def _add(self, trail: list[_Folder], name: str, number: int, *, is_folder: bool) -> None:
        size_bytes, before_bytes = self._measure(number)
        there = trail[-1].children.get(name)
        if isinstance(there, _Folder):
            there.number = number
            there.size_bytes += size_bytes
            there.before_bytes += before_bytes
        else:
            trail[-1].children[name] = _Folder(number) if is_folder else number
        is_new_file = there is None and not is_folder
        for folder in trail:
            folder.size_bytes += size_bytes
            folder.before_bytes += before_bytes
            folder.files += is_new_file

    def _lines(self, folder: _Folder, path: str, depth: int, by: Sorting, count: int) -> list[TreeRow]:
        def sort_key(item: tuple[str, _Folder | int]) -> tuple[int, str]:
            return (-self._weight(item[1]) if by == "size" else 0), item[0]

        children = heapq.nsmallest(count, folder.children.items(), key=sort_key)
        rows = [self._row(f"{path}/{name}", name, node, depth) for name, node in children]
        left = len(folder.children) - len(children)
        if left:
            rest = max(0, folder.size_bytes - sum(self._sizes(node)[0] for _, node in children))
            rows.append(TreeRow(path or "/", message("{count:,} more", count=left), depth, "more", rest, files=left))
        return rows

    def _sizes(self, node: _Folder | int) -> tuple[int, int]:
        return self._measure(node) if isinstance(node, int) else (node.size_bytes, node.before_bytes)

    def _weight(self, node: _Folder | int) -> int:
        return max(self._sizes(node))

    def _row(self, path: str, name: str, node: _Folder | int, depth: int) -> TreeRow:
        if isinstance(node, int):
            return replace(self._describe(node, path), name=name, depth=depth)
        own = None if node.number is None else self._describe(node.number, path)
        return TreeRow(
            path,
            name,
            depth,
            own.kind if own else "directory",
            node.size_bytes,
            node.before_bytes,
            node.files,
            own.state if own else "",
            note=own.note if own else "",
            opened=False if node.children else None,
        )

    def _every(self) -> Iterator[tuple[str, _Folder | int]]:
        waiting: list[tuple[str, _Folder | int]] = [("", self._root)]
        while waiting:
            path, node = waiting.pop()
            if path:
                yield path, node
            if isinstance(node, _Folder):
                waiting.extend((f"{path}/{name}", child) for name, child in node.children.items())


def tree_of_image(image: Image) -> FileTree:
    """The final file system. The bytes of a file with several names (hard links) count at one of them."""
    merged = image.analysis.merged
    repeated = _repeated(merged)

    def describe(number: int, path: str) -> TreeRow:
        if number == IMPLICIT:
            return TreeRow(path, "", 0, "directory", 0)
        kind, size_bytes = KINDS[merged.kind(number)], merged.size(merged.shown(number))
        return TreeRow(path, "", 0, kind, size_bytes, place=merged.place_of(number), link=merged.files.links[number])

    return FileTree(
        walk(merged.root),
        describe=describe,
        measure=lambda number: (0 if number in repeated else merged.size(merged.shown(number)), 0),
        is_folder=lambda number: number == IMPLICIT or merged.kind(number) == DIRECTORY,
    )


def _repeated(merged: MergedLayers) -> frozenset[int]:
    """The hard links whose bytes count at another name of the file, and IMPLICIT, which has no bytes."""
    repeated = {IMPLICIT}
    final = [number for _, number in walk(merged.root)] if merged.shows else []
    linked = set(merged.shows.values())
    counted = {number for number in final if number in linked}
    for number in final:
        if number in merged.shows:
            shown = merged.shows[number]
            if shown in counted:
                repeated.add(number)
            counted.add(shown)
    return frozenset(repeated)


def tree_of_layer(image: Image, place: int) -> FileTree:
    """The files that the layer at a place stores, and the files of lower layers that it removes."""
    merged = image.analysis.merged
    files, own = merged.files, merged.numbers_of(place)

    def measure(number: int) -> tuple[int, int]:
        if number not in own:
            return 0, merged.size(number)
        replaced = merged.replaced.get(number)
        return merged.size(number), 0 if replaced is None else merged.size(merged.shown(replaced))

    def describe(number: int, path: str) -> TreeRow:
        size_bytes, before_bytes = measure(number)
        kind = KINDS[merged.kind(number)]
        if number not in own:
            return TreeRow(path, "", 0, kind, 0, before_bytes, state="removed", place=merged.place_of(number))
        return TreeRow(
            path,
            "",
            0,
            kind,
            size_bytes,
            before_bytes,
            state=STATES.get(merged.states[number], ""),
            place=place,
            link=files.links[number],
            note=message(SAME) if merged.states[number] == CHANGED and _same_bytes(merged, number) else "",
        )

    stored = ((files.paths[number], number) for number in own if merged.kind(number) not in (WHITEOUT, OPAQUE))
    return FileTree(
        chain(stored, merged.removed[place].items()),
        describe=describe,
        measure=measure,
        is_folder=lambda number: merged.kind(number) == DIRECTORY,
    )


def tree_of_comparison(comparison: ImageComparison) -> FileTree:
    """The paths that differ between two images."""
    differences = comparison.differences

    def describe(number: int, path: str) -> TreeRow:
        one = differences[number]
        note = NOTES.get(one.what, "")
        return TreeRow(path, "", 0, one.file_kind, one.after_bytes, one.before_bytes, state=one.kind, note=note)

    return FileTree(
        ((one.path.lstrip("/"), number) for number, one in enumerate(differences)),
        describe=describe,
        measure=lambda number: (differences[number].after_bytes, differences[number].before_bytes),
        is_folder=lambda number: differences[number].file_kind == "directory",
    )


def _same_bytes(merged: MergedLayers, number: int) -> bool:
    """Whether a changed file has the same bytes as before: only its mode, owner or time differ."""
    files, old = merged.files, merged.shown(merged.replaced[number])
    return files.kinds[number] == files.kinds[old] == REGULAR and files.file(number).digest == files.file(old).digest
