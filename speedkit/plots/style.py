"""How all figures look: two meanings, two colours, each with a word and a pattern; the rest is the page's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from speedkit.model import Build, Step

__all__ = ["BASE", "CACHED", "FAILED", "OWN", "RAN", "base_note", "finish", "first_line", "runs_note", "short", "step_colour"]

CACHED = "#0072B2"
RAN = "#B34700"
FAILED = "#b3261e"
OWN = "#009E73"
BASE = "#9aa4af"
GRID = "rgba(128,128,128,.3)"
TEXT = "#6b7480"
FONT = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"
LONGEST = 46
ROW_PIXELS = 30


def finish(figure: go.Figure, *, title: str, measured: str, rows: int, left: int, **layout: Any) -> go.Figure:
    """The figure with its title, the line on how it was measured, and the common look.

    rows: how many bars or cells stand above each other. left: the longest label at the left, in letters.
    """
    figure.update_layout(
        title={
            "text": title,
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "pad": {"l": 12},
            "font": {"size": 18, "weight": 600},
            "subtitle": {"text": measured, "font": {"size": 12}},
        },
        font={"family": FONT, "size": 13, "color": TEXT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 24 + 7 * min(left, LONGEST), "r": 110, "t": 78, "b": 44},
        height=130 + ROW_PIXELS * rows,
        showlegend=False,
        bargap=0.35,
        hoverlabel={"align": "left"},
        modebar={"remove": ["select", "lasso", "autoscale"]},
        **layout,
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor="rgba(0,0,0,0)", zeroline=False, autorange="reversed", automargin=False, ticks="")
    return figure


def step_colour(step: Step) -> str:
    if step.state in ("failed", "cancelled"):
        return FAILED
    return CACHED if step.cached else RAN


def short(text: str, most: int = LONGEST) -> str:
    """Text that fits beside a bar; the end that is cut is an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def first_line(step: Step) -> str:
    """A step's label: the line in the Dockerfile, and the instruction as far as it fits."""
    return short(step.instruction if step.line is None else f"{step.line}  {step.instruction}")


def base_note(builds: Sequence[Build]) -> str:
    return "; stand-in base" if any(build.stand_in for build in builds) else ""


def runs_note(counts: Sequence[int]) -> str:
    """How often each value was measured."""
    low, high = min(counts, default=0), max(counts, default=0)
    if high <= 1:
        return "one run each"
    return f"median and range of {low} runs" if low == high else f"median and range of {low} to {high} runs"
