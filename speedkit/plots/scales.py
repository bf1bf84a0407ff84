"""The axes of a plotly figure in pixels: where a value is in a drawing of the figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

__all__ = ["Axis", "Frame", "frame_of"]

MOST_TICKS = 6


@dataclass(frozen=True)
class Axis:
    """One axis.

    low, high: its ends as values, on a logarithmic axis as their logarithms to base 10. start, end: its ends in pixels.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool
    ticks: tuple[tuple[float, str], ...]
    title: str
    grid: bool

    def at(self, value: float) -> float:
        """The pixel of a value. Zero and less, which a logarithmic axis cannot show, is at its start."""
        if self.logarithmic:
            value = max(math.log10(value), self.low) if value > 0 else self.low
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Frame:
    """The two axes of a panel. on_top: the labels of the x axis are above the panel."""

    x: Axis
    y: Axis
    on_top: bool


def frame_of(figure: go.Figure, name: str, width: int) -> Frame:
    """The panel of the x axis `x`, `x2` …, in a drawing that is `width` pixels wide."""
    layout, number = figure.layout, name.removeprefix("x")
    across, up = layout[f"xaxis{number}"], layout[f"yaxis{number}"]
    left, right = layout.margin.l, width - layout.margin.r
    top, bottom = layout.margin.t, layout.height - layout.margin.b
    # Plotly counts a domain from the bottom, as shares of the height between the margins; pixels are counted from the top.
    low, high = up.domain or (0, 1)
    x = _axis(across, left, right, labelled=across.showticklabels is not False)
    y = _axis(up, bottom - low * (bottom - top), bottom - high * (bottom - top), labelled=True)
    return Frame(x, y, across.side == "top")


def _axis(axis: Any, start: float, end: float, *, labelled: bool) -> Axis:
    low, high = axis.range
    all_ticks = tuple(zip(axis.tickvals, axis.ticktext, strict=True)) if axis.tickvals is not None else _round_ticks(low, high)
    logarithmic = axis.type == "log"
    # A logarithmic axis has ticks for whole decades (`rebuild.scale`), also outside of its range.
    ticks = [
        (value, text if labelled else "") for value, text in all_ticks if not logarithmic or low <= math.log10(value) <= high
    ]
    return Axis(low, high, start, end, logarithmic, tuple(ticks), axis.title.text or "", axis.showgrid is not False)


def _round_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """At most about six round values: multiples of 1, 2 or 5 times a power of ten, as plotly chooses them in the browser."""
    rough = (high - low) / MOST_TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * size for size in (1, 2, 5, 10) if power * size >= rough)
    first = math.ceil(low / step)
    return tuple((number * step, f"{number * step:.6g}") for number in range(first, math.floor(high / step) + 1))
