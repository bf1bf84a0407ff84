"""What a view of layers shows, as one value: the layers of an image or of two, a tree of files, a map, a file's content."""

from __future__ import annotations

from dataclasses import dataclass

from speedkit.images import TreeRow

from .layer_selection import DIFFERENCE, WHOLE, LayerSelection
from .shown_content import ShownContent

__all__ = ["FileList", "FileMap", "LayersPage", "MapBox", "ShownImage", "ShownLayer", "WastedPath"]


@dataclass(frozen=True, slots=True)
class ShownLayer:
    """place: of the layer in its image, 0 for the lowest. added, changed, removed: how many paths. is_shared: the other image
    has it, too.
    """

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
    """side: which of the two images it is. waste: the most wasteful paths."""

    side: str
    name: str
    size_bytes: int
    file_count: int
    layers: tuple[ShownLayer, ...]
    waste: tuple[WastedPath, ...]


@dataclass(frozen=True, slots=True)
class FileList:
    """The tree of files as the lines that are open. size_bytes: of all files. note: what else there is to say of the lines."""

    title: str
    facts: str
    size_bytes: int
    rows: tuple[TreeRow, ...]
    note: str


@dataclass(frozen=True, slots=True)
class MapBox:
    """A file or folder as a box. left, top, width, height: in parts of the whole map. depth: how many boxes it lies in."""

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
    """The files of a folder as boxes, each as large as its bytes. note: how they are sized."""

    folder: str
    size_bytes: int
    note: str
    boxes: tuple[MapBox, ...]


@dataclass(frozen=True, slots=True)
class LayersPage:
    """Everything that a view of layers shows at one moment. announcement: what a screen reader says after a change."""

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
        """The lines are those in which two images differ."""
        return self.selection.side == DIFFERENCE

    @property
    def is_whole(self) -> bool:
        """The lines are those of all layers together, which say their layer."""
        return self.selection.place == WHOLE and not self.differs
