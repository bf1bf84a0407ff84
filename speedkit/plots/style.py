"""How all figures look: two meanings, two colours, each with a word and a pattern; the rest is the page's own."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from speedkit.messages import message, plural
from speedkit.model import Build, Step
from speedkit.visible import visible

__all__ = [
    "BAR",
    "BASE",
    "CACHED",
    "FAILED",
    "GRID",
    "OWN",
    "RAN",
    "ROW",
    "TEXT",
    "add_hover_rows",
    "capital",
    "finish",
    "first_line",
    "hatched",
    "notes",
    "plain",
    "runs_note",
    "short",
]

CACHED = "#0072B2"
RAN = "#B34700"
FAILED = "#b3261e"
OWN = "#00785a"
BASE = "#9aa4af"
GRID = "rgba(128,128,128,.3)"
# The one grey that can be read on white and on black, where no stylesheet is let through.
TEXT = "#757b83"
FONT = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"
LONGEST = 40
ROW = 30
BAR = 0.65
"""How much of a row a bar fills."""
TITLE_LETTERS, SUBTITLE_LETTERS = 68, 100
TITLE_LINE, SUBTITLE_LINE = 23, 17
CLEAR = "rgba(0,0,0,0)"


def finish(
    figure: go.Figure,
    *,
    title: str,
    measured: str,
    plot_pixels: int,
    left: int,
    right_pixels: int = 150,
    above_pixels: int = 14,
    below_pixels: int = 52,
) -> go.Figure:
    """The figure with its title, the line on how it was measured, and the common look.

    plot_pixels: the height of what is drawn between the margins. left: the longest label at the left, in letters.
    """
    title_lines, subtitle_lines = _lines(title, TITLE_LETTERS), _lines(measured, SUBTITLE_LETTERS)
    top = 22 + TITLE_LINE * len(title_lines) + SUBTITLE_LINE * len(subtitle_lines) + above_pixels
    figure.update_layout(
        title={
            "text": "<br>".join(plain(line) for line in title_lines),
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"l": 12, "t": 14},
            "font": {"size": 17, "weight": 600},
            "subtitle": {"text": "<br>".join(plain(line) for line in subtitle_lines), "font": {"size": 12}},
        },
        font={"family": FONT, "size": 13, "color": TEXT},
        # Plotly's own template is many times as large as a figure here, and sets nothing that is not set below.
        template=go.layout.Template(),
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        margin={"l": 24 + round(7.2 * min(left, LONGEST)), "r": right_pixels, "t": top, "b": below_pixels},
        height=top + plot_pixels + below_pixels,
        showlegend=False,
        barmode="overlay",
        hoverlabel={"align": "left"},
        modebar={"remove": ["select", "lasso", "autoscale"]},
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, ticks="", title_font={"size": 13}, title_standoff=6)
    figure.update_yaxes(zeroline=False, automargin=False, ticks="", ticklabelstandoff=5)
    return figure


def _lines(text: str, letters: int) -> list[str]:
    # textwrap breaks at ordinary spaces alone, and not within words such as -buildvcs.
    return textwrap.wrap(text, letters, break_on_hyphens=False)


def hatched(on: bool) -> dict[str, Any]:
    """A bar's pattern: hatched for what ran, plain for what the cache gave."""
    if not on:
        return {"shape": ""}
    return {"shape": "/", "fillmode": "overlay", "fgcolor": "rgba(255,255,255,.55)", "size": 6, "solidity": 0.25}


def add_hover_rows(figure: go.Figure, texts: Sequence[str], *, width: float, row: int | None = None) -> None:
    """An unseen bar behind each row, so that also the thinnest one says in whole what it is.

    texts: what the rows say. width: where the x axis ends.
    """
    place = {} if row is None else {"row": row, "col": 1}
    figure.add_bar(
        **place,
        orientation="h",
        y=list(range(len(texts))),
        x=[width] * len(texts),
        width=1,
        marker={"color": CLEAR, "line": {"width": 0}},
        hovertext=[plain(text).replace("\n", "<br>") for text in texts],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def plain(text: str) -> str:
    """Text that plotly does not take as its own small markup; what nobody can see stands there as an escape."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def capital(text: str) -> str:
    """A sentence's beginning."""
    return text[:1].upper() + text[1:]


def short(text: str, most: int = LONGEST) -> str:
    """Text that fits beside a bar; the end that is cut is an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def first_line(step: Step) -> str:
    """A step's label: the line in the Dockerfile, and the instruction."""
    return step.instruction if step.line is None else f"{step.line}  {step.instruction}"


def notes(builds: Sequence[Build]) -> str:
    """What a reader must know of the builds shown: when they were recorded, and whether a stand-in was their base."""
    days = sorted({datetime.fromisoformat(build.started_at).date() for build in builds})
    # No-break spaces: a line never ends within a date.
    spoken = [f"{day.day}\N{NO-BREAK SPACE}{day:%b}\N{NO-BREAK SPACE}{day:%Y}" for day in days]
    recorded = [message("recorded {day}", day=spoken[0])] if spoken else []
    if len(spoken) > 1:
        recorded = [message("recorded {first} to {last}", first=spoken[0], last=spoken[-1])]
    return "; ".join([*recorded, *dict.fromkeys(build.stand_ins for build in builds if build.stand_ins)])


def runs_note(counts: Sequence[int]) -> str:
    """How often each value was measured."""
    low, high = min(counts, default=0), max(counts, default=0)
    if high <= 1:
        return message("one run each")
    if low == high:
        return plural("median and range of {count} run", "median and range of {count} runs", low)
    return message("median and range of {low} to {high} runs", low=low, high=high)
