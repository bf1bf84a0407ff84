"""The analysis of an image: figures computed once from the files of its layers, for everything that shows or checks the image.

Pure. Wasted bytes are bytes in a layer that the final file system does not show: the first copy of a file that is written
twice, and all of a removed file. Bytes of a file that a remaining hard link shows are not wasted.

    efficiency = (image_bytes - wasted_bytes) / image_bytes, and 1 for an image without bytes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .files import DIRECTORY, Files
from .overlay import ADDED, CHANGED, IMPLICIT, MergedLayers, merge_layers, numbers

__all__ = ["Analysis", "ChangeCounts", "Waste", "analyze"]


@dataclass(frozen=True, slots=True)
class Waste:
    """A path, and its bytes that the final file system does not show."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """The numbers of paths that a layer adds, changes and removes."""

    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """The figures of an image.

    merged: the final file system, and the changes of each layer. file_count: of the final file system, without directories.
    waste: most wasteful path first. wasted_by_layer, changes_by_layer: lowest layer first.
    """

    merged: MergedLayers
    image_bytes: int
    file_count: int
    waste: tuple[Waste, ...]
    wasted_by_layer: tuple[int, ...]
    changes_by_layer: tuple[ChangeCounts, ...]

    @property
    def wasted_bytes(self) -> int:
        return sum(self.wasted_by_layer)

    @property
    def efficiency(self) -> float:
        return (self.image_bytes - self.wasted_bytes) / self.image_bytes if self.image_bytes else 1.0


def analyze(layers: Sequence[Files]) -> Analysis:
    """layers: the files of each, lowest first."""
    merged = merge_layers(layers)
    files = merged.files
    is_shown = bytearray(len(files))
    file_count = 0
    for number in numbers(merged.root):
        if number != IMPLICIT:
            is_shown[merged.shown(number)] = 1
            file_count += files.kinds[number] != DIRECTORY

    hidden = [number for number, size_bytes in enumerate(files.sizes) if size_bytes and not is_shown[number]]
    wasted_by_path: dict[str, int] = {}
    wasted_by_layer = [0] * len(layers)
    for number in hidden:
        path = files.paths[number]
        wasted_by_path[path] = wasted_by_path.get(path, 0) + files.sizes[number]
        wasted_by_layer[merged.place_of(number)] += files.sizes[number]
    largest_first = sorted(wasted_by_path.items(), key=lambda item: (-item[1], item[0]))
    return Analysis(
        merged,
        image_bytes=files.size_bytes,
        file_count=file_count,
        waste=tuple(Waste("/" + path, size_bytes) for path, size_bytes in largest_first),
        wasted_by_layer=tuple(wasted_by_layer),
        changes_by_layer=tuple(
            ChangeCounts(
                merged.states.count(ADDED, merged.starts[place], merged.starts[place + 1]),
                merged.states.count(CHANGED, merged.starts[place], merged.starts[place + 1]),
                len(merged.removed[place]),
            )
            for place in range(len(layers))
        ),
    )
