"""An image's layers as plain data: for `--json` and treemaps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from speedkit.images.comparing import compare_images
from speedkit.images.dive import dive_figures
from speedkit.images.files import File
from speedkit.images.image import Image
from speedkit.images.merging import IMPLICIT, INDEX_MASK, LAYER_SHIFT, Merge, merge, walk

__all__ = ["TreemapRow", "largest_file", "to_json", "treemap_rows"]

TREEMAP_DEPTH = 10
TREEMAP_ROWS_AT_MOST = 1500


@dataclass(frozen=True, slots=True)
class TreemapRow:
    """One rectangle of a treemap: the root has the id "/" and no parent."""

    id: str
    parent: str
    label: str
    size_bytes: int


def to_json(image: Image, other: Image | None = None, *, files: bool = False) -> dict[str, Any]:
    """What `speedkit layers --json` prints.

    other: compared with the image. files: with the files of every layer, what it changes, and the final file system.
    """
    document = _facts(image, files)
    if other is not None:
        comparison = compare_images(image, other)
        document["other"] = _facts(other, files)
        document["comparison"] = {
            "shared_layers": list(comparison.shared_layers),
            "shared_bytes": comparison.shared_bytes,
            "same_start": comparison.same_start,
            "differences": [asdict(difference) for difference in comparison.differences],
        }
    return document


def treemap_rows(image: Image, *, place: int | None = None) -> tuple[TreemapRow, ...]:
    """Rectangles for the final file system, or for one layer, ten names deep; the smallest are left to their parents.

    A folder's bytes include what is in it, so that `branchvalues="total"` fits.
    """
    merged = _tree(image, place)
    totals: dict[str, int] = {"": 0}
    seen: set[int] = set()
    for path, number in walk(merged.root):
        number = merged.shown(number)
        if number in seen or not (size := _size(merged, number)):
            continue
        seen.add(number)
        names = path.split("/")[:TREEMAP_DEPTH]
        totals[""] += size
        for depth in range(1, len(names) + 1):
            above = "/".join(names[:depth])
            totals[above] = totals.get(above, 0) + size
    kept = sorted(totals.items(), key=lambda item: (-item[1], len(item[0])))[:TREEMAP_ROWS_AT_MOST]
    return tuple(_rectangle(path, size, image.name) for path, size in kept)


def largest_file(image: Image, *, place: int | None = None) -> File | None:
    """The largest file of the final file system, or of what the layer at a place stores; None when there is none."""
    merged = _tree(image, place)
    numbers = ((merged.shown(number), path) for path, number in walk(merged.root) if number != IMPLICIT)
    number, path = max(numbers, key=lambda found: (_size(merged, found[0]), found[1]), default=(IMPLICIT, ""))
    return None if number == IMPLICIT else merged.layers[number >> LAYER_SHIFT].file(number & INDEX_MASK, path=path)


def _facts(image: Image, files: bool) -> dict[str, Any]:
    dive = dive_figures(image)
    document: dict[str, Any] = {
        "image": image.name,
        "id": image.id,
        "image_bytes": image.image_bytes,
        "wasted_bytes": image.wasted_bytes,
        "efficiency": image.efficiency,
        "dive": {"wasted_bytes": dive.wasted_bytes, "efficiency": dive.efficiency},
        "layers": [_layer(image, place, files) for place in range(len(image.layers))],
        "waste": [{"path": waste.path, "bytes": waste.size_bytes} for waste in image.waste],
    }
    if files:
        document["files"] = [asdict(file) for file in image.files]
    return document


def _layer(image: Image, place: int, files: bool) -> dict[str, Any]:
    layer = image.layers[place]
    facts: dict[str, Any] = {
        "digest": layer.digest,
        "size_bytes": layer.size_bytes,
        "command": layer.command,
        "files": layer.file_count,
        "wasted_bytes": image.wasted_by_layer[place],
    }
    facts.update(image.change_counts(place))
    if files:
        facts["file_list"] = [asdict(file) for file in layer.files]
        facts["changes"] = [asdict(change) for change in image.changes(place)]
    return facts


def _tree(image: Image, place: int | None) -> Merge:
    return image.merged if place is None else merge([image.layers[place].contents])


def _size(merged: Merge, number: int) -> int:
    return 0 if number == IMPLICIT else merged.layers[number >> LAYER_SHIFT].sizes[number & INDEX_MASK]


def _rectangle(path: str, size_bytes: int, name: str) -> TreemapRow:
    if not path:
        return TreemapRow("/", "", name, size_bytes)
    parent, _, label = path.rpartition("/")
    return TreemapRow(f"/{path}", f"/{parent}", label, size_bytes)
