"""Where a value stands in a drawing: the axes of a plotly figure as pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

__all__ = ["Axis", "Frame", "frame_of"]

MOST_TICKS = 6


@dataclass(frozen=True)
class Axis:
    """One axis. low, high: its ends in values, as logarithms where it is logarithmic. start, end: the same in pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool
    ticks: tuple[tuple[float, str], ...]
    title: str
    grid: bool

    def at(self, value: float) -> float:
        """The pixel of a value; what a logarithmic axis cannot show stands at its beginning."""
        if self.logarithmic:
            value = max(math.log10(value), self.low) if value > 0 else self.low
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Frame:
    """The two axes of a panel. on_top: the names of the columns stand above it."""

    x: Axis
    y: Axis
    on_top: bool


def frame_of(figure: go.Figure, name: str, width: int) -> Frame:
    """The panel of the x axis `x`, `x2` …, for a drawing that is `width` pixels wide."""
    layout, number = figure.layout, name.removeprefix("x")
    across, up = layout[f"xaxis{number}"], layout[f"yaxis{number}"]
    left, right = layout.margin.l, width - layout.margin.r
    top, bottom = layout.margin.t, layout.height - layout.margin.b
    low, high = up.domain or (0, 1)
    labelled = across.showticklabels is not False
    x = _axis(across, left, right, labelled=labelled)
    y = _axis(up, bottom - low * (bottom - top), bottom - high * (bottom - top), labelled=True)
    return Frame(x, y, across.side == "top")


def _axis(axis: Any, start: float, end: float, *, labelled: bool) -> Axis:
    low, high = axis.range
    ticks = tuple(zip(axis.tickvals, axis.ticktext, strict=True)) if axis.tickvals is not None else _round_ticks(low, high)
    logarithmic = axis.type == "log"
    kept = [(value, text if labelled else "") for value, text in ticks if not logarithmic or low <= math.log10(value) <= high]
    return Axis(low, high, start, end, logarithmic, tuple(kept), axis.title.text or "", axis.showgrid is not False)


def _round_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Round values from zero on, as people would write them at an axis."""
    rough = (high - low) / MOST_TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * size for size in (1, 2, 5, 10) if power * size >= rough)
    first = math.ceil(low / step)
    return tuple((number * step, f"{number * step:.6g}") for number in range(first, math.floor(high / step) + 1))
