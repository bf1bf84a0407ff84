"""Boxes within boxes, each as large as its share: the layout of a treemap, wherever it is drawn.

The rule is that of "Squarified Treemaps" (Bruls, Huizing, van Wijk, 2000): rows are filled so that boxes stay near to squares.
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
        """What is left inside, below a heading."""
        return Box(self.x + margin, self.y + heading, self.width - 2 * margin, self.height - heading - margin)


def pack(sizes: Sequence[float], box: Box) -> list[Box]:
    """A box for each size, in the order given, together as large as the box around them. sizes: positive, largest first."""
    scale = box.width * box.height / sum(sizes) if sizes else 0.0
    areas = [size * scale for size in sizes]
    packed: list[Box] = []
    while len(packed) < len(areas):
        start, short = len(packed), min(box.width, box.height)
        end = start + 1
        while end < len(areas) and _worst(areas[start : end + 1], short) <= _worst(areas[start:end], short):
            end += 1
        row, box = _row(areas[start:end], box)
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
    """Each thing with its box and its depth, outer ones first; the root itself is left out.

    children: what is in a thing, with sizes, largest first. smallest: no side is shorter. heading, margin: kept free in a box
    around others. deepest: how many boxes lie within each other.
    """
    waiting = [(root, box, 0)]
    while waiting:
        thing, place, depth = waiting.pop()
        inner = place if depth == 0 else place.within(margin=margin, heading=heading)
        if depth == deepest or min(inner.width, inner.height) < smallest:
            continue
        found = [(child, size) for child, size in children(thing) if size > 0]
        for (child, _), where in zip(found, pack([size for _, size in found], inner), strict=True):
            if min(where.width, where.height) >= smallest:
                yield child, where, depth + 1
                waiting.append((child, where, depth + 1))


def _worst(row: Sequence[float], side: float) -> float:
    """The longest side by the shortest, of the worst box in a row along a side."""
    total = sum(row)
    return max(side * side * row[0] / (total * total), total * total / (side * side * row[-1])) if side else float("inf")


def _row(areas: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Boxes along the short side, and what is left of the box."""
    total = sum(areas)
    placed, at = [], 0.0
    if box.width >= box.height:
        thick = total / box.height if box.height else 0.0
        for area in areas:
            long = area / thick if thick else 0.0
            placed.append(Box(box.x, box.y + at, thick, long))
            at += long
        return placed, Box(box.x + thick, box.y, max(box.width - thick, 0.0), box.height)
    thick = total / box.width
    for area in areas:
        long = area / thick if thick else 0.0
        placed.append(Box(box.x + at, box.y, long, thick))
        at += long
    return placed, Box(box.x, box.y + thick, box.width, max(box.height - thick, 0.0))
