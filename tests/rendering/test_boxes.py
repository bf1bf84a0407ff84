"""Boxes of a treemap: as large as their shares, within their folder, none over another."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedkit.rendering.boxes import Box, nested_boxes, pack

WHOLE = Box(0, 0, 100, 40)


def overlap(one: Box, other: Box) -> float:
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(wide, 0) * max(high, 0)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=40))
def test_each_box_is_as_large_as_its_share_and_they_fill_the_whole(sizes: list[int]) -> None:
    sizes = sorted(sizes, reverse=True)
    boxes = pack(sizes, WHOLE)
    for size, box in zip(sizes, boxes, strict=True):
        assert box.width * box.height == pytest.approx(size * 4000 / sum(sizes), rel=1e-6, abs=1e-6)
        assert -1e-6 <= box.x <= box.x + box.width <= 100 + 1e-6
        assert -1e-6 <= box.y <= box.y + box.height <= 40 + 1e-6
    assert all(overlap(one, other) < 1e-3 for one, other in combinations(boxes, 2))


def test_equal_shares_are_near_to_squares() -> None:
    assert all(0.5 < box.width / box.height < 2 for box in pack([1.0] * 10, WHOLE))


def test_nothing_is_packed_into_nothing() -> None:
    assert pack([], WHOLE) == []


def test_inner_boxes_lie_below_the_heading_of_theirs_and_small_ones_are_left_out() -> None:
    tree = {"": [("a", 60.0), ("b", 40.0), ("empty", 0.0)], "a": [("a/x", 59.0), ("a/tiny", 0.001)]}
    found = {
        name: (box, depth)
        for name, box, depth in nested_boxes(
            "", lambda name: tree.get(name, []), WHOLE, heading=5, margin=1, smallest=2, deepest=3
        )
    }
    assert found.keys() == {"a", "b", "a/x"}
    outer, inner = found["a"][0], found["a/x"][0]
    assert found["a/x"][1] == 2
    assert inner.y >= outer.y + 5
    assert inner.x + inner.width <= outer.x + outer.width - 1 + 1e-6
    shallow = nested_boxes("", lambda name: tree.get(name, []), WHOLE, heading=5, margin=1, smallest=2, deepest=1)
    assert {name for name, _, _ in shallow} == {"a", "b"}
