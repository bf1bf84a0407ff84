"""The state behind a view of layers, and what can be done with it; it knows nothing of Jupyter.

In: one image or two, and the page's messages. Out: `page()`, everything that is to be seen. However many files an image
has, only the lines that are open go to the page. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from speedkit.errors import SpeedkitError
from speedkit.images import (
    FileTree,
    Image,
    Sorting,
    TreeRow,
    compare_images,
    comparison_finding,
    image_figures,
    image_finding,
    layer_rows,
    tree_of_comparison,
    tree_of_image,
    tree_of_layer,
)
from speedkit.messages import message, plural
from speedkit.page import (
    DIFFERENCE,
    FIRST,
    NOTHING_SHOWN,
    SECOND,
    WHOLE,
    FileList,
    FileMap,
    LayerSelection,
    LayersPage,
    MapBox,
    ShownContent,
    ShownImage,
    ShownLayer,
    WastedPath,
    loading,
    refusal,
    shown_content,
)
from speedkit.rendering import Box, command_text, nested_boxes
from speedkit.words import bytes_text

__all__ = ["LayerBrowser", "Source"]

TREES_KEPT = 4
LINES_AT_FIRST = 32
LINES_A_FOLDER = 100
LINES_AT_MOST = 2000
FOUND_AT_MOST = 200
WASTE_AT_MOST = 6
MAP = Box(0, 0, 1000, 400)
LABEL_WIDTH = 30
MAP_HEADING, MAP_MARGIN, MAP_SMALLEST, MAP_DEEPEST, MAP_CHILDREN = 20, 2, 8, 3, 60


@dataclass(frozen=True)
class Source:
    """An image, and how to get the bytes of a file: `read(path, place)`, of the whole image where the place is None."""

    image: Image
    read: Callable[[str, int | None], bytes]


class LayerBrowser:
    """What is looked at in an image, or in two that are compared.

    changed: called whenever there may be something new to paint.
    """

    def __init__(self, first: Source, second: Source | None, changed: Callable[[], None]) -> None:
        self._sources = {FIRST: first} if second is None else {FIRST: first, SECOND: second}
        self._changed = changed
        self._lock = threading.RLock()
        self._comparison = None if second is None else compare_images(first.image, second.image)
        self.selection = LayerSelection(side=FIRST if second is None else DIFFERENCE)
        self._trees: dict[tuple[str, int], FileTree] = {}
        self._opened: dict[tuple[str, int], frozenset[str]] = {}
        self._counts: dict[tuple[str, int], dict[str, int]] = {}
        self._content = NOTHING_SHOWN
        self._wanted: tuple[str, int, str | None] | None = None
        self._reader: threading.Thread | None = None
        self._tree_made: tuple[object, FileList] | None = None
        self._map_made: tuple[object, FileMap] | None = None
        # What stays the same: the finding, and the layers of each image.
        self._finding = image_finding(first.image)
        if second is not None and self._comparison is not None:
            self._finding = comparison_finding(first.image, second.image, self._comparison)
        self._image_facts = tuple(" · ".join(image_figures(source.image)) for source in self._sources.values())
        self._images = tuple(self._layers(side) for side in self._sources)

    # What can be asked for

    def choose(self, patch: dict[str, Any], *, page: str = "", number: int = 0) -> None:
        """Take over a choice; the file that is chosen is read."""
        with self._lock:
            wanted = self.selection.patched(patch, page=page, number=number)
            self.selection = wanted if self._exists(wanted) else replace(self.selection, confirmed=wanted.confirmed)
            self._look_at_file()
        self._changed()

    def open(self, path: str, *, is_open: bool) -> None:
        """Open or close a folder of the tree that is shown."""
        with self._lock:
            opened = self._opened_now()
            self._opened[self._shown] = opened | {path} if is_open else opened - {path}
        self._changed()

    def show_more(self, path: str) -> None:
        """Show more lines of a folder."""
        with self._lock:
            counts = self._counts.get(self._shown, {})
            self._counts[self._shown] = counts | {path: counts.get(path, LINES_A_FOLDER) + LINES_A_FOLDER}
        self._changed()

    def complain(self, problem: BaseException) -> None:
        """Show an error where the content of a file would be."""
        with self._lock:
            self._content = ShownContent(self._content.path, "refused", note=str(problem))
        self._changed()

    def wait(self) -> None:
        """Until the file that was chosen is read."""
        reader = self._reader
        if reader is not None:
            reader.join()

    # What is seen

    def page(self) -> LayersPage:
        """What is to be seen, as of now."""
        with self._lock:
            tree = self._tree_seen()
            return LayersPage(
                finding=self._finding,
                facts=self._image_facts,
                images=self._images,
                selection=self.selection,
                tree=tree,
                map=self._map_seen(),
                content=self._content,
                said=self._said(tree),
            )

    def _layers(self, side: str) -> ShownImage:
        image = self._sources[side].image
        shared = self._comparison.shared_layers if self._comparison else ()
        layers = tuple(
            ShownLayer(
                place=place,
                command=command_text(row.command) or message("not said"),
                size_bytes=row.size_bytes,
                added=row.added,
                changed=row.changed,
                removed=row.removed,
                wasted_bytes=row.wasted_bytes,
                is_shared=layer.digest in shared,
            )
            for place, (row, layer) in enumerate(zip(layer_rows(image), image.layers, strict=True))
        )
        waste = tuple(WastedPath(one.path, one.size_bytes) for one in image.waste[:WASTE_AT_MOST])
        return ShownImage(side, image.short_name, image.image_bytes, image.file_count, layers, waste)

    def _tree_seen(self) -> FileList:
        """The lines of the tree that are open; made once for the same tree, sorting, search and folders."""
        selection, opened, counts = self.selection, self._opened_now(), self._counts.get(self._shown)
        key = (self._shown, selection.by, selection.query, opened, counts)
        if self._tree_made is None or self._tree_made[0] != key:
            self._tree_made = key, FileList(*self._heading(), *self._lines(opened, counts or {}))
        return self._tree_made[1]

    def _lines(self, opened: frozenset[str], counts: dict[str, int]) -> tuple[tuple[TreeRow, ...], str]:
        """The open lines, and what else there is to say of them."""
        tree, query = self._tree(), self.selection.query
        if query:
            rows, total = tree.search(query, most=FOUND_AT_MOST)
            note = "" if total else message("No path holds {query}.", query=query)
            if total > len(rows):
                note = message("The {shown} largest of {total:,}.", shown=len(rows), total=total)
            return tuple(rows), note
        by: Sorting = "name" if self.selection.by == "name" else "size"
        every = tree.rows(opened, by=by, counts=counts, most=LINES_A_FOLDER)
        rows = list(islice(every, LINES_AT_MOST + 1))
        note = "" if rows else self._emptiness()
        if len(rows) > LINES_AT_MOST:
            note = message("Only the first {most:,} lines are shown: close a folder.", most=LINES_AT_MOST)
        return tuple(rows[:LINES_AT_MOST]), note

    def _emptiness(self) -> str:
        if self.selection.side == DIFFERENCE:
            return message("The two file systems are the same.")
        if self.selection.place == WHOLE:
            return message("There are no files.")
        return message("This layer changes no file.")

    def _heading(self) -> tuple[str, str, int]:
        """The tree's title, what there is to say of it, and the bytes of its files."""
        tree, (side, place) = self._tree(), self._shown
        if side == DIFFERENCE and self._comparison is not None:
            counted = Counter(one.kind for one in self._comparison.differences)
            counts = " · ".join(_changes(counted["added"], counted["changed"], counted["removed"]))
            return message("What differs in the final file systems"), counts, tree.size_bytes
        if place == WHOLE:
            files = plural("{count:,} file, {size}", "{count:,} files, {size}", tree.files, size=bytes_text(tree.size_bytes))
            return message("All layers together: the final file system"), files, tree.size_bytes
        image = self._sources[side].image
        row = layer_rows(image)[place]
        wasted = [message("{size} wasted", size=bytes_text(row.wasted_bytes))] if row.wasted_bytes else []
        title = message(
            "Layer {number} of {layers}: {command}",
            number=place + 1,
            layers=len(image.layers),
            command=command_text(row.command) or message("not said by what it was made"),
        )
        facts = [bytes_text(row.size_bytes), *_changes(row.added, row.changed, row.removed), *wasted]
        return title, " · ".join(facts), tree.size_bytes

    def _map_seen(self) -> FileMap:
        """The map of a folder; made once for the same tree and folder."""
        key = (self._shown, self.selection.folder)
        if self._map_made is None or self._map_made[0] != key:
            self._map_made = key, self._map()
        return self._map_made[1]

    def _map(self) -> FileMap:
        tree, folder = self._tree(), self.selection.folder
        differs = self.selection.side == DIFFERENCE

        def weight(row: TreeRow) -> int:
            return max(row.size_bytes, row.before_bytes) if differs else row.size_bytes

        def inside(row: TreeRow) -> list[tuple[TreeRow, float]]:
            if row.opened is None:
                return []
            rows = sorted(tree.largest(row.path, most=MAP_CHILDREN), key=weight, reverse=True)
            return [(child, weight(child)) for child in rows]

        root = tree.row(folder) or TreeRow(folder, folder, 0, "directory", 0, opened=False)
        boxes = nested_boxes(
            root,
            inside,
            MAP,
            heading=MAP_HEADING,
            margin=MAP_MARGIN,
            smallest=MAP_SMALLEST,
            deepest=MAP_DEEPEST,
        )
        placed = tuple(_placed(row, box, depth, weight(row)) for row, box, depth in boxes)
        note = message("by size, the larger of both") if differs else message("by size")
        return FileMap(folder, weight(root), note, placed)

    def _said(self, tree: FileList) -> str:
        if self._content.state != "nothing":
            return f"{self._content.path}: {self._content.note}"
        return message("{title}. {facts}. {note}", title=tree.title, facts=tree.facts, note=tree.note).strip()

    # Trees

    def _opened_now(self) -> frozenset[str]:
        if self._shown not in self._opened:
            self._opened[self._shown] = self._tree().worth_opening(most=LINES_AT_FIRST)
        return self._opened[self._shown]

    @property
    def _shown(self) -> tuple[str, int]:
        return self.selection.side, self.selection.place

    def _exists(self, selection: LayerSelection) -> bool:
        good = selection.by in ("size", "name") and selection.pane in ("files", "map")
        if selection.side == DIFFERENCE:
            return good and self._comparison is not None and selection.place == WHOLE
        source = self._sources.get(selection.side)
        return good and source is not None and WHOLE <= selection.place < len(source.image.layers)

    def _tree(self) -> FileTree:
        """The tree that is shown, grown when it is first looked at; the last few are kept."""
        tree = self._trees.pop(self._shown, None) or self._grown()
        self._trees = dict(list(self._trees.items())[1 - TREES_KEPT :]) | {self._shown: tree}
        return tree

    def _grown(self) -> FileTree:
        side, place = self._shown
        if side == DIFFERENCE and self._comparison is not None:
            return tree_of_comparison(self._comparison)
        image = self._sources[side].image
        return tree_of_image(image) if place == WHOLE else tree_of_layer(image, place)

    # Content

    def _look_at_file(self) -> None:
        """Show the content of the file that is chosen: at once what needs no reading, the rest when it has been read."""
        wanted = (*self._shown, self.selection.file)
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if self.selection.file is None:
            self._content = NOTHING_SHOWN
            return
        refused = refusal(self.selection.file, self._tree().row(self.selection.file))
        self._content = refused or loading(self.selection.file)
        if refused is None and self._reader is None:
            self._reader = threading.Thread(target=self._read, name="content of a file", daemon=True)
            self._reader.start()

    def _read(self) -> None:
        """Read what is wanted, and what is wanted by then, until nothing new is."""
        done: object = None
        while True:
            with self._lock:
                wanted, path = self._wanted, self.selection.file
                if wanted == done or path is None or self._content.state != "loading":
                    self._reader = None
                    break
                source, place = self._where(path)
            content = _read_content(source, path, place)
            with self._lock:
                done = wanted
                if self._wanted == wanted:
                    self._content = content
            self._changed()

    def _where(self, path: str) -> tuple[Source, int | None]:
        """The image that has a file of the tree that is shown, and the layer to take it from."""
        row, (side, place) = self._tree().row(path), self._shown
        if side == DIFFERENCE:
            return self._sources[FIRST if row is not None and row.state == "removed" else SECOND], None
        return self._sources[side], None if place == WHOLE or row is None else row.place


def _changes(added: int, changed: int, removed: int) -> list[str]:
    return [
        message("+{count:,} added", count=added),
        message("~{count:,} changed", count=changed),
        message("−{count:,} removed", count=removed),
    ]


def _read_content(source: Source, path: str, place: int | None) -> ShownContent:
    try:
        return shown_content(path, source.read(path, place))
    except SpeedkitError as problem:
        return ShownContent(path, "refused", note=str(problem))


def _placed(row: TreeRow, box: Box, depth: int, size_bytes: int) -> MapBox:
    """A box of the map, its place in parts of the whole."""
    return MapBox(
        path=row.path,
        name=row.name,
        kind=row.kind,
        state=row.state,
        is_folder=row.opened is not None,
        size_bytes=size_bytes,
        depth=depth,
        left=round(box.x / MAP.width, 4),
        top=round(box.y / MAP.height, 4),
        width=round(box.width / MAP.width, 4),
        height=round(box.height / MAP.height, 4),
        is_labelled=box.width >= LABEL_WIDTH and box.height >= MAP_HEADING - MAP_MARGIN,
    )
