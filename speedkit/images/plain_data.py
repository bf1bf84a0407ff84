"""An image's layers as plain data: for `--json` and treemaps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .dive import dive_figures
from .files import File
from .image import Change, Image
from .image_comparison import Difference, compare_images
from .overlay import IMPLICIT, MergedLayers, merge_layers, walk

__all__ = ["TreemapRow", "json_text", "largest_file", "to_json", "treemap_rows"]

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
    """The document that `speedkit layers --json` prints.

    other: a second image, to compare with. files: include the files and changes of each layer, and the final file system.
    """
    document: dict[str, Any] = _listed(_document(image, other, files))
    return document


def json_text(
    image: Image,
    other: Image | None = None,
    *,
    files: bool = False,
    more: dict[str, Any] | None = None,
    ascii_only: bool = False,
) -> Iterator[str]:
    """The same document as text, in pieces, with a file on each line. A million files in JSON are never in memory at once.

    more: further fields of the document.
    """
    encode = json.JSONEncoder(ensure_ascii=ascii_only).encode
    return _text(_document(image, other, files) | dict(more or {}), encode, "\n")


def treemap_rows(image: Image, *, place: int | None = None) -> tuple[TreemapRow, ...]:
    """Rectangles for the final file system, or for one layer: the 1,500 largest paths of at most ten names.

    The bytes of a folder include those of its files, as Plotly's `branchvalues="total"` expects.
    """
    merged = _tree(image, place)
    totals: dict[str, int] = {"": 0}
    counted: set[int] = set()
    for path, number in walk(merged.root):
        # A file with several names (hard links) counts once, at the first of them.
        number = merged.shown(number)
        if number in counted or not (size := merged.size(number)):
            continue
        counted.add(number)
        names = path.split("/")[:TREEMAP_DEPTH]
        totals[""] += size
        for depth in range(1, len(names) + 1):
            above = "/".join(names[:depth])
            totals[above] = totals.get(above, 0) + size
    kept = sorted(totals.items(), key=lambda item: (-item[1], len(item[0])))[:TREEMAP_ROWS_AT_MOST]

    rows = [TreemapRow("/", "", image.name, totals[""])]
    for path, size in kept:
        parent, _, label = path.rpartition("/")
        if path:
            rows.append(TreemapRow(f"/{path}", f"/{parent}", label, size))
    return tuple(rows)


def largest_file(image: Image, *, place: int | None = None) -> File | None:
    """The largest file of the final file system, or of the layer at a place; None if there is none."""
    merged = _tree(image, place)
    numbers = ((merged.shown(number), path) for path, number in walk(merged.root) if number != IMPLICIT)
    number, path = max(numbers, key=lambda item: (merged.size(item[0]), item[1]), default=(IMPLICIT, ""))
    return None if number == IMPLICIT else merged.files.file(number, path=path)


def _document(image: Image, other: Image | None, files: bool) -> dict[str, Any]:
    """The document, with an iterator in place of each list that may be long."""
    document = _facts(image, files)
    if other is not None:
        comparison = compare_images(image, other)
        document["other"] = _facts(other, files)
        document["comparison"] = {
            "shared_layers": list(comparison.shared_layers),
            "shared_bytes": comparison.shared_bytes,
            "same_start": comparison.same_start,
            "differences": _rows(comparison.differences),
        }
    return document


def _facts(image: Image, files: bool) -> dict[str, Any]:
    dive = dive_figures(image)
    document: dict[str, Any] = {
        "image": image.name,
        "source": image.source,
        "id": image.id,
        "image_bytes": image.image_bytes,
        "wasted_bytes": image.wasted_bytes,
        "efficiency": image.efficiency,
        "dive": {"wasted_bytes": dive.wasted_bytes, "efficiency": dive.efficiency},
        "layers": [_layer(image, place, files) for place in range(len(image.layers))],
        "waste": ({"path": waste.path, "bytes": waste.size_bytes} for waste in image.waste),
    }
    if files:
        document["files"] = _rows(image.each_file())
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
        facts["file_list"] = _rows(layer.each_file())
        facts["changes"] = _changes(image, place)
    return facts


def _changes(image: Image, place: int) -> Iterator[dict[str, Any]]:
    # A generator, so that the changes of one layer at a time are in memory.
    yield from _rows(image.changes(place))


def _rows(items: Iterable[File | Change | Difference]) -> Iterator[dict[str, Any]]:
    """The fields of each item by name. `asdict` copies each value, and takes ten times as long."""
    for item in items:
        yield {name: getattr(item, name) for name in item.__slots__}


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | Iterator) else value


def _text(value: Any, encode: Callable[[Any], str], margin: str) -> Iterator[str]:
    """margin: a new line, and the indentation of the value's closing bracket."""
    inner = f"{margin}  "
    if isinstance(value, dict):
        for number, (key, item) in enumerate(value.items()):
            yield f"{',' if number else '{'}{inner}{encode(key)}: "
            yield from _text(item, encode, inner)
        yield f"{margin}}}" if value else "{}"
    elif isinstance(value, list | Iterator):
        number = -1
        for number, item in enumerate(value):
            yield f"{',' if number else '['}{inner}"
            # The items of an iterator are files, of which each fits on one line.
            if isinstance(value, list):
                yield from _text(item, encode, inner)
            else:
                yield encode(item)
        yield "[]" if number < 0 else f"{margin}]"
    else:
        yield encode(value)


def _tree(image: Image, place: int | None) -> MergedLayers:
    return image.analysis.merged if place is None else merge_layers([image.layers[place].contents])
