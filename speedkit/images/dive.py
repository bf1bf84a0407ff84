"""The wasted bytes and the efficiency that the tool dive shows for an image, for comparison with ours.

For a path that occurs in two layers or more, dive counts the bytes of every occurrence, also of the visible one. A removed
directory counts with the bytes of all files in it; a file that is removed with its directory counts only if it occurs twice.
The efficiency is the sum of the smallest occurrences of all paths, divided by the sum of all occurrences. Only paths without
other paths below them in their layer count.

Source: `Efficiency` in dive/filetree/efficiency.go, https://github.com/wagoodman/dive
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .files import DIRECTORY, OPAQUE, WHITEOUT, Files
from .image import Image
from .overlay import MergedLayers

__all__ = ["DiveFigures", "dive_figures"]


@dataclass(frozen=True, slots=True)
class DiveFigures:
    """Wasted bytes and efficiency by dive's rules."""

    wasted_bytes: int
    efficiency: float


def dive_figures(image: Image) -> DiveFigures:
    """The figures of an image by dive's rules."""
    totals: dict[str, int] = {}
    smallest: dict[str, int] = {}
    repeated: set[str] = set()
    merged = image.analysis.merged
    for layer, removed in zip(image.layers, merged.removed, strict=True):
        for path, size_bytes in _leaves(layer.contents, merged, removed):
            if path in totals:
                repeated.add(path)
                totals[path] += size_bytes
                smallest[path] = min(smallest[path], size_bytes)
            else:
                totals[path] = smallest[path] = size_bytes
    stored = sum(totals.values())
    return DiveFigures(sum(totals[path] for path in repeated), sum(smallest.values()) / stored if stored else 1.0)


def _leaves(files: Files, merged: MergedLayers, removed: dict[str, int]) -> Iterator[tuple[str, int]]:
    """The paths of a layer without other paths below them, and their bytes; for a removed directory, the bytes that it had."""
    # dive keeps a layer as a tree, where the last file with a path counts.
    last = {path: index for index, path in enumerate(files.paths) if files.kinds[index] != OPAQUE}
    parents: set[str] = set()
    before = ""
    for path in last:
        parent = path.rpartition("/")[0]
        if parent == before:
            continue
        before = parent
        while parent and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition("/")[0]
    removed_bytes = _bytes_in_removed_directories(merged, removed) if WHITEOUT in files.kinds else {}
    for path, index in last.items():
        if files.kinds[index] == WHITEOUT:
            yield path, removed_bytes.get(path, 0)
        elif path not in parents:
            yield path, files.sizes[index]


def _bytes_in_removed_directories(merged: MergedLayers, removed: dict[str, int]) -> dict[str, int]:
    """The bytes of the removed files below each removed directory."""
    totals = {path: 0 for path, number in removed.items() if merged.kind(number) == DIRECTORY}
    for path, number in removed.items():
        size = merged.size(number)
        parent = path.rpartition("/")[0]
        while size and parent:
            if parent in totals:
                totals[parent] += size
            parent = parent.rpartition("/")[0]
    return totals
