"""The state of a layers view, and the actions that change it; it knows nothing of Jupyter.

In: one image or two, and the messages from the page. Out: `page()`, everything that the view shows. Even for an image with very
many files, only the lines in open folders go to the page. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from speedkit.errors import in_words
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
    ALL_LAYERS,
    DIFFERENCE,
    FIRST,
    NOTHING_SHOWN,
    SECOND,
    FileList,
    FileMap,
    LayerSelection,
    LayersPage,
    MapBox,
    ShownContent,
    ShownImage,
    ShownLayer,
    WastedPath,
    difference_counts,
    loading_content,
    refused_content,
    shown_content,
    signed_counts,
)
from speedkit.rendering import Box, command_text, nested_boxes
from speedkit.words import bytes_text

__all__ = ["LayerBrowser", "ReadableImage"]

TREES_KEPT = 4
# An image may have 100,000 files; each line costs the page time. Further lines are shown when a reader asks for them.
LINES_AT_FIRST = 32
LINES_A_FOLDER = 100
LINES_AT_MOST = 2000
MATCHES_AT_MOST = 200
WASTE_AT_MOST = 6
MAP = Box(0, 0, 1000, 400)
# In units of MAP: the map of a saved notebook is 400 pixels high.
LABEL_WIDTH = 30
MAP_HEADING, MAP_MARGIN, MAP_SMALLEST, MAP_DEEPEST, MAP_CHILDREN = 20, 2, 8, 3, 60


@dataclass(frozen=True)
class ReadableImage:
    """An image, and how to read its files: `read(path, place)`. place: a layer, or None for the final file system."""

    image: Image
    read: Callable[[str, int | None], bytes]


class LayerBrowser:
    """What a reader looks at in an image, or in two compared images.

    changed: called whenever the page may have changed.
    """

    def __init__(self, first: ReadableImage, second: ReadableImage | None, changed: Callable[[], None]) -> None:
        self._sources = {FIRST: first} if second is None else {FIRST: first, SECOND: second}
        self._changed = changed
        self._lock = threading.RLock()
        self._comparison = None if second is None else compare_images(first.image, second.image)
        self.selection = LayerSelection(side=FIRST if second is None else DIFFERENCE)
        self._trees: dict[tuple[str, int], FileTree] = {}
        self._open_folders: dict[tuple[str, int], frozenset[str]] = {}
        self._line_limits: dict[tuple[str, int], dict[str, int]] = {}
        self._content = NOTHING_SHOWN
        self._requested_file: tuple[str, int, str | None] | None = None
        self._reader: threading.Thread | None = None
        self._tree_made: tuple[object, FileList] | None = None
        self._map_made: tuple[object, FileMap] | None = None
        # The finding and the layers of each image never change, and are the same on every page.
        self._finding = image_finding(first.image)
        if second is not None and self._comparison is not None:
            self._finding = comparison_finding(first.image, second.image, self._comparison)
        self._image_facts = tuple(" · ".join(image_figures(source.image)) for source in self._sources.values())
        self._images = tuple(self._layers(side) for side in self._sources)

    # Actions

    def choose(self, patch: dict[str, Any], *, page: str = "", number: int = 0) -> None:
        """Change the selection as a page asks, and read the selected file."""
        with self._lock:
            selection = self.selection.patched(patch, page=page, number=number)
            # Even a refused change is confirmed: else the page would go on showing its own selection.
            self.selection = selection if self._exists(selection) else replace(self.selection, confirmed=selection.confirmed)
            self._show_file()
        self._changed()

    def open(self, path: str, *, is_open: bool) -> None:
        """Open or close a folder of the shown tree."""
        with self._lock:
            open_folders = self._open_folders_now()
            self._open_folders[self._shown] = open_folders | {path} if is_open else open_folders - {path}
        self._changed()

    def show_more(self, path: str) -> None:
        """Show more lines of a folder."""
        with self._lock:
            limits = self._line_limits.get(self._shown, {})
            self._line_limits[self._shown] = limits | {path: limits.get(path, LINES_A_FOLDER) + LINES_A_FOLDER}
        self._changed()

    def show_error(self, problem: BaseException) -> None:
        """Show an error where the content of a file would be."""
        with self._lock:
            self._content = ShownContent(self._content.path, "refused", note=str(problem))
        self._changed()

    def wait(self) -> None:
        """Wait until the selected file is read."""
        reader = self._reader
        if reader is not None:
            reader.join()

    # The page

    def page(self) -> LayersPage:
        """Everything that the view shows now."""
        with self._lock:
            tree = self._file_list()
            return LayersPage(
                finding=self._finding,
                facts=self._image_facts,
                images=self._images,
                selection=self.selection,
                tree=tree,
                map=self._file_map(),
                content=self._content,
                announcement=self._announcement(tree),
            )

    def _layers(self, side: str) -> ShownImage:
        image = self._sources[side].image
        shared = self._comparison.shared_layers if self._comparison else ()
        layers = tuple(
            ShownLayer(
                place=place,
                command=command_text(row.command) or message("unknown"),
                size_bytes=row.size_bytes,
                added=row.added,
                changed=row.changed,
                removed=row.removed,
                wasted_bytes=row.wasted_bytes,
                is_shared=layer.digest in shared,
            )
            for place, (row, layer) in enumerate(zip(layer_rows(image), image.layers, strict=True))
        )
        waste = tuple(WastedPath(wasted.path, wasted.size_bytes) for wasted in image.waste[:WASTE_AT_MOST])
        return ShownImage(side, image.short_name, image.image_bytes, image.file_count, layers, waste)

    def _file_list(self) -> FileList:
        """The lines of the tree in open folders; made again only for another tree, sorting, search or folder."""
        selection, open_folders, limits = self.selection, self._open_folders_now(), self._line_limits.get(self._shown)
        key = (self._shown, selection.by, selection.query, open_folders, limits)
        if self._tree_made is None or self._tree_made[0] != key:
            self._tree_made = key, FileList(*self._heading(), *self._lines(open_folders, limits or {}))
        return self._tree_made[1]

    def _lines(self, open_folders: frozenset[str], limits: dict[str, int]) -> tuple[tuple[TreeRow, ...], str]:
        """The lines in open folders or the matches of a search, and a note: why there are none, or not all."""
        tree, query = self._tree(), self.selection.query
        if query:
            rows, total = tree.search(query, most=MATCHES_AT_MOST)
            note = "" if total else message("No path holds {query}.", query=query)
            if total > len(rows):
                note = message("The {shown} largest of {total:,}.", shown=len(rows), total=total)
            return tuple(rows), note
        by: Sorting = "name" if self.selection.by == "name" else "size"
        all_rows = tree.rows(open_folders, by=by, counts=limits, most=LINES_A_FOLDER)
        rows = list(islice(all_rows, LINES_AT_MOST + 1))
        note = "" if rows else self._why_empty()
        if len(rows) > LINES_AT_MOST:
            note = message("Only the first {most:,} lines are shown: close a folder.", most=LINES_AT_MOST)
        return tuple(rows[:LINES_AT_MOST]), note

    def _why_empty(self) -> str:
        if self.selection.side == DIFFERENCE:
            return message("The two file systems are the same.")
        if self.selection.place == ALL_LAYERS:
            return message("There are no files.")
        return message("This layer changes no file.")

    def _heading(self) -> tuple[str, str, int]:
        """The title of the tree, its counts and sizes as text, and the bytes of its files."""
        tree, (side, place) = self._tree(), self._shown
        if side == DIFFERENCE and self._comparison is not None:
            counts = Counter(difference.kind for difference in self._comparison.differences)
            changes = " · ".join(difference_counts(counts["added"], counts["changed"], counts["removed"]))
            return message("What differs in the final file systems"), changes, tree.size_bytes
        if place == ALL_LAYERS:
            files = plural("{count:,} file, {size}", "{count:,} files, {size}", tree.files, size=bytes_text(tree.size_bytes))
            return message("All layers together: the final file system"), files, tree.size_bytes
        image = self._sources[side].image
        row = layer_rows(image)[place]
        wasted = [message("{size} wasted", size=bytes_text(row.wasted_bytes))] if row.wasted_bytes else []
        title = message(
            "Layer {number} of {layers}: {command}",
            number=place + 1,
            layers=len(image.layers),
            command=command_text(row.command) or message("unknown command"),
        )
        facts = [bytes_text(row.size_bytes), *signed_counts(row.added, row.changed, row.removed), *wasted]
        return title, " · ".join(facts), tree.size_bytes

    def _file_map(self) -> FileMap:
        """The map of a folder; made again only for another tree or folder."""
        key = (self._shown, self.selection.folder)
        if self._map_made is None or self._map_made[0] != key:
            self._map_made = key, self._new_map()
        return self._map_made[1]

    def _new_map(self) -> FileMap:
        tree, folder = self._tree(), self.selection.folder
        differs = self.selection.side == DIFFERENCE

        # A removed file has no size any more, but must be visible among the differences.
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

    def _announcement(self, tree: FileList) -> str:
        if self._content.state != "nothing":
            return f"{self._content.path}: {self._content.note}"
        return message("{title}. {facts}. {note}", title=tree.title, facts=tree.facts, note=tree.note).strip()

    # Trees

    def _open_folders_now(self) -> frozenset[str]:
        if self._shown not in self._open_folders:
            self._open_folders[self._shown] = self._tree().worth_opening(most=LINES_AT_FIRST)
        return self._open_folders[self._shown]

    @property
    def _shown(self) -> tuple[str, int]:
        return self.selection.side, self.selection.place

    def _exists(self, selection: LayerSelection) -> bool:
        good = selection.by in ("size", "name") and selection.pane in ("files", "map")
        if selection.side == DIFFERENCE:
            return good and self._comparison is not None and selection.place == ALL_LAYERS
        source = self._sources.get(selection.side)
        return good and source is not None and ALL_LAYERS <= selection.place < len(source.image.layers)

    def _tree(self) -> FileTree:
        """The shown tree. A tree takes long to make for many files, so the last few are kept."""
        tree = self._trees.pop(self._shown, None)
        if tree is None:
            side, place = self._shown
            if side == DIFFERENCE and self._comparison is not None:
                tree = tree_of_comparison(self._comparison)
            else:
                image = self._sources[side].image
                tree = tree_of_image(image) if place == ALL_LAYERS else tree_of_layer(image, place)
        self._trees = dict(list(self._trees.items())[1 - TREES_KEPT :]) | {self._shown: tree}
        return tree

    # Content

    def _show_file(self) -> None:
        """Show the content of the selected file: a refusal at once, the content when it has been read."""
        file = (*self._shown, self.selection.file)
        if file == self._requested_file:
            return
        self._requested_file = file
        if self.selection.file is None:
            self._content = NOTHING_SHOWN
            return
        refused = refused_content(self.selection.file, self._tree().row(self.selection.file))
        self._content = refused or loading_content(self.selection.file)
        if refused is None and self._reader is None:
            self._reader = threading.Thread(target=self._read, name="content of a file", daemon=True)
            self._reader.start()

    def _read(self) -> None:
        """Read the requested file, and go on until no other file was requested meanwhile."""
        read_file: object = None
        while True:
            with self._lock:
                file, path = self._requested_file, self.selection.file
                if file == read_file or path is None or self._content.state != "loading":
                    self._reader = None
                    break
                source, place = self._where(path)
            try:
                content = shown_content(path, source.read(path, place))
            except Exception as problem:
                # Whatever it is: a thread that ended here would leave every later file unread.
                content = ShownContent(path, "refused", note=in_words(problem))
            with self._lock:
                read_file = file
                # Another file may have been selected while this one was read.
                if self._requested_file == file:
                    self._content = content
            self._changed()

    def _where(self, path: str) -> tuple[ReadableImage, int | None]:
        """The image to read a file of the shown tree from, and the layer, None for the final file system."""
        row, (side, place) = self._tree().row(path), self._shown
        if side == DIFFERENCE:
            return self._sources[FIRST if row is not None and row.state == "removed" else SECOND], None
        return self._sources[side], None if place == ALL_LAYERS or row is None else row.place


def _placed(row: TreeRow, box: Box, depth: int, size_bytes: int) -> MapBox:
    """A box of the map, its place and size as shares of the whole map."""
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
