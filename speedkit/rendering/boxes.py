"""The layout of a treemap: boxes within boxes, the area of each in proportion to its size.

The algorithm is that of "Squarified Treemaps" (Bruls, Huizing, van Wijk, 2000): each row is filled as long as that makes its
boxes more like squares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Box", "nested_boxes", "pack"]

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    def within(self, *, margin: float, heading: float) -> Box:
        """The space for inner boxes, below a heading and within a margin."""
        return Box(self.x + margin, self.y + heading, self.width - 2 * margin, self.height - heading - margin)


def pack(sizes: Sequence[float], box: Box) -> list[Box]:
    """A box for each size, in the same order; together they fill `box`. sizes: positive, largest first."""
    scale = box.width * box.height / sum(sizes) if sizes else 0.0
    areas = [size * scale for size in sizes]
    packed: list[Box] = []
    while len(packed) < len(areas):
        # A row lies along the shorter side, where its boxes are more like squares.
        start, side = len(packed), min(box.width, box.height)
        end = start + 1
        while end < len(areas) and _worst_ratio(areas[start : end + 1], side) <= _worst_ratio(areas[start:end], side):
            end += 1
        row, box = _row_of_boxes(areas[start:end], box)
        packed += row
    return packed


def nested_boxes(
    root: Thing,
    children: Callable[[Thing], Sequence[tuple[Thing, float]]],
    box: Box,
    *,
    heading: float,
    margin: float,
    smallest: float,
    deepest: int,
) -> Iterator[tuple[Thing, Box, int]]:
    """Each thing with its box and its depth, outer things first, without the root.

    children: the things in a thing, with sizes, largest first. smallest: boxes with a shorter side are left out.
    heading, margin: free space in a box around other boxes. deepest: the most boxes within each other.
    """
    waiting = [(root, box, 0)]
    while waiting:
        thing, place, depth = waiting.pop()
        inner = place if depth == 0 else place.within(margin=margin, heading=heading)
        if depth == deepest or min(inner.width, inner.height) < smallest:
            continue
        sized_children = [(child, size) for child, size in children(thing) if size > 0]
        for (child, _), where in zip(sized_children, pack([size for _, size in sized_children], inner), strict=True):
            if min(where.width, where.height) >= smallest:
                yield child, where, depth + 1
                waiting.append((child, where, depth + 1))


def _worst_ratio(row: Sequence[float], side: float) -> float:
    """The longer side divided by the shorter one, of the box that is least like a square. row: areas, largest first."""
    total = sum(row)
    return max(side * side * row[0] / (total * total), total * total / (side * side * row[-1])) if side else float("inf")


def _row_of_boxes(areas: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Boxes along the shorter side, and the rest of the box."""
    total = sum(areas)
    boxes, at = [], 0.0
    if box.width >= box.height:
        thick = total / box.height if box.height else 0.0
        for area in areas:
            long = area / thick if thick else 0.0
            boxes.append(Box(box.x, box.y + at, thick, long))
            at += long
        return boxes, Box(box.x + thick, box.y, max(box.width - thick, 0.0), box.height)
    thick = total / box.width
    for area in areas:
        long = area / thick if thick else 0.0
        boxes.append(Box(box.x + at, box.y, long, thick))
        at += long
    return boxes, Box(box.x, box.y + thick, box.width, max(box.height - thick, 0.0))
