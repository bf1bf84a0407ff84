"""Everything that a layers view shows, as one value: the layers of one or two images, a tree, a map, the content of a file."""

from __future__ import annotations

from dataclasses import dataclass

from speedkit.images import TreeRow

from .layer_selection import ALL_LAYERS, DIFFERENCE, LayerSelection
from .shown_content import ShownContent

__all__ = ["FileList", "FileMap", "LayersPage", "MapBox", "ShownImage", "ShownLayer", "WastedPath"]


@dataclass(frozen=True, slots=True)
class ShownLayer:
    """A layer. place: 0 for the lowest. added, changed, removed: numbers of paths. is_shared: the other image has it, too."""

    place: int
    command: str
    size_bytes: int
    added: int
    changed: int
    removed: int
    wasted_bytes: int
    is_shared: bool


@dataclass(frozen=True, slots=True)
class WastedPath:
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ShownImage:
    """An image. side: FIRST or SECOND. waste: the paths that waste most."""

    side: str
    name: str
    size_bytes: int
    file_count: int
    layers: tuple[ShownLayer, ...]
    waste: tuple[WastedPath, ...]


@dataclass(frozen=True, slots=True)
class FileList:
    """The lines of the tree in open folders. size_bytes: of all files. note: why there are no lines, or not all."""

    title: str
    facts: str
    size_bytes: int
    rows: tuple[TreeRow, ...]
    note: str


@dataclass(frozen=True, slots=True)
class MapBox:
    """A file or folder in the map. left, top, width, height: shares of the map, 0 to 1. depth: 1 for the outermost boxes."""

    path: str
    name: str
    kind: str
    state: str
    is_folder: bool
    size_bytes: int
    depth: int
    left: float
    top: float
    width: float
    height: float
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class FileMap:
    """The files of a folder as boxes, with areas in proportion to their bytes. note: which bytes these are."""

    folder: str
    size_bytes: int
    note: str
    boxes: tuple[MapBox, ...]


@dataclass(frozen=True, slots=True)
class LayersPage:
    """Everything that a layers view shows at one moment. announcement: what a screen reader says after a change."""

    finding: str
    facts: tuple[str, ...]
    images: tuple[ShownImage, ...]
    selection: LayerSelection
    tree: FileList
    map: FileMap
    content: ShownContent
    announcement: str

    @property
    def differs(self) -> bool:
        """Whether the lines are the differences of two images."""
        return self.selection.side == DIFFERENCE

    @property
    def is_whole(self) -> bool:
        """Whether the lines are those of all layers together; each then names its layer."""
        return self.selection.place == ALL_LAYERS and not self.differs
