"""A drawing of stages: a box for each with its steps in the order of the Dockerfile, and the ways between steps.

A line at the left of the boxes joins a step to the step of another stage that takes files from it: thick where a miss goes
along it, dotted where the miss stops at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import plotly.graph_objects as go

from speedkit.history import MissPath, Travel
from speedkit.text_width import letters

from .style import CACHED, CLEAR, FAILED, GRID, RAN, TEXT, finish, plain, short_instruction

__all__ = ["INSTRUCTION_LETTERS", "Mark", "Row", "crosses", "draw", "placed_rows"]

Mark = Literal["cached", "ran", "failed", "open"]
"""Round, with corners, square, or an empty circle, so that colours are not the only difference."""
ROW_PIXELS = 26
GAP_ROWS = 0.45
"""The space between two boxes, and above the first, in rows."""
LANE_PIXELS = 14
SPINE, NUMBER, LABEL = 16, 52, 60
"""Places across a box, in pixels from its left edge: the line through the steps, the end of line numbers, the instruction."""
LETTER_PIXELS = 7.7
DOT, ROUNDING = 5.0, 6.0
INSTRUCTION_LETTERS = 34
LINE_STYLES: dict[Travel, tuple[str, float, str]] = {
    "quiet": (TEXT, 1.2, "solid"),
    "perhaps": (RAN, 2.0, "dash"),
    "stopped": (RAN, 2.5, "dot"),
    "carried": (RAN, 4.0, "solid"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One step. is_opening: it is the FROM of its stage. words: what became of it, in plotly's markup. tooltip: plain text.

    at: its place, in rows from the top.
    """

    line: int
    stage: str
    instruction: str
    mark: Mark
    words: str
    tooltip: str
    is_opening: bool = False
    at: float = 0.0


def placed_rows(rows: Iterable[Row]) -> dict[int, Row]:
    """The rows below each other, by line. ONBUILD instructions of a base have the line of the FROM: one row per line."""
    placed: dict[int, Row] = {}
    at, stage = -0.5, ""
    for row in rows:
        if row.line not in placed:
            at += 1 + (GAP_ROWS if row.stage != stage else 0)
            stage = row.stage
            placed[row.line] = replace(row, at=at)
    return placed


def draw(rows: Mapping[int, Row], ways: Sequence[MissPath], *, title: str, measured: str) -> go.Figure:
    """The figure. ways: between lines that have rows."""
    lanes = _lanes(ways, rows)
    figure = go.Figure()
    height = max((row.at for row in rows.values()), default=0.0) + 0.5 + GAP_ROWS
    figure.update_layout(
        shapes=[*_stage_shapes(rows), *_lines(ways, rows, lanes), *map(_dot, rows.values())],
        annotations=list(_texts(rows)),
    )
    # An invisible bar behind each row, whose tooltip has the full instruction and the full reason.
    figure.add_bar(
        orientation="h",
        y=[row.at for row in rows.values()],
        x=[1] * len(rows),
        width=1,
        marker={"color": CLEAR, "line": {"width": 0}},
        hovertext=["<br>".join(map(plain, row.tooltip.split("\n"))) for row in rows.values()],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    finish(
        figure,
        title=title,
        measured=measured,
        plot_pixels=round(ROW_PIXELS * height),
        left=0,
        right_pixels=12,
        below_pixels=8,
    )
    # At the left there are no labels, for which `finish` makes room, but the lanes.
    figure.update_layout(margin_l=12 + LANE_PIXELS * (max(lanes.values(), default=-1) + 1))
    hidden: dict[str, object] = {"visible": False, "fixedrange": True, "tickvals": [], "ticktext": []}
    figure.update_xaxes(range=[0, 1], **hidden)
    figure.update_yaxes(range=[height, 0], **hidden)
    return figure


def crosses(way: MissPath, rows: Mapping[int, Row]) -> bool:
    """Whether a way leads from one stage to another."""
    return rows[way.source].stage != rows[way.target].stage


def _lanes(ways: Sequence[MissPath], rows: Mapping[int, Row]) -> dict[int, int]:
    """For each step that another stage takes files from, the lane in which its lines go down; lane 0 is next to the boxes.

    The shortest lines get the lanes next to the boxes. Lines that share a row get different lanes.
    """
    ends: dict[int, float] = {}
    for way in ways:
        if crosses(way, rows):
            ends[way.source] = max(ends.get(way.source, 0.0), rows[way.target].at)
    lanes: dict[int, int] = {}
    for source in sorted(ends, key=lambda line: ends[line] - rows[line].at):
        start, end = rows[source].at, ends[source]
        occupied = {lanes[other] for other in lanes if rows[other].at <= end and start <= ends[other]}
        lanes[source] = next(lane for lane in range(len(ends)) if lane not in occupied)
    return lanes


def _stage_shapes(rows: Mapping[int, Row]) -> Iterator[dict[str, object]]:
    """For each stage, a box around its steps and the thin line through them."""
    places: dict[str, list[float]] = {}
    for row in rows.values():
        places.setdefault(row.stage, []).append(row.at)
    colour, width, _ = LINE_STYLES["quiet"]
    for stage in places.values():
        first, last = stage[0], stage[-1]
        yield {
            "type": "rect",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": "y",
            "y0": first - 0.5,
            "y1": last + 0.5,
            "line": {"color": GRID, "width": 1},
            "layer": "below",
        }
        yield _path(f"M{SPINE},{first} L{SPINE},{last}", line={"color": colour, "width": width})


def _lines(ways: Sequence[MissPath], rows: Mapping[int, Row], lanes: Mapping[int, int]) -> Iterator[dict[str, object]]:
    """The ways between steps. Those that a miss took are drawn last, so that they lie over the others."""
    for way in sorted(ways, key=lambda way: list(LINE_STYLES).index(way.travel)):
        source, target = rows[way.source].at, rows[way.target].at
        colour, width, dash = LINE_STYLES[way.travel]
        path = f"M{SPINE},{source} L{SPINE},{target}"
        if crosses(way, rows):
            # Out to its lane, down, and back in, with rounded corners: x is in pixels, y in rows.
            x, round_y = -LANE_PIXELS * (lanes[way.source] + 0.5), ROUNDING / ROW_PIXELS
            path = (
                f"M{SPINE},{source} L{x + ROUNDING},{source} Q{x},{source} {x},{source + round_y} "
                f"L{x},{target - round_y} Q{x},{target} {x + ROUNDING},{target} L{SPINE},{target}"
            )
        yield _path(path, line={"color": colour, "width": width, "dash": dash})
        if way.travel == "stopped":
            # A short bar across the end of the line: the miss got this far.
            bar = f"M{SPINE - 11},{target - 0.3} L{SPINE - 11},{target + 0.3}"
            yield _path(bar, line={"color": CACHED, "width": 3})


def _path(path: str, **style: object) -> dict[str, object]:
    """A shape for plotly. Its x is in pixels from the left edge of the boxes, its y in rows."""
    place = {"type": "path", "xref": "paper", "xsizemode": "pixel", "xanchor": 0, "yref": "y"}
    return place | {"path": path} | style


def _dot(row: Row) -> dict[str, object]:
    """The mark of a step."""
    y, high = row.at, DOT / ROW_PIXELS
    left, right = SPINE - DOT, SPINE + DOT
    square = f"M{left},{y - high} L{right},{y - high} L{right},{y + high} L{left},{y + high} Z"
    diamond = f"M{left - 1},{y} L{SPINE},{y - 1.2 * high} L{right + 1},{y} L{SPINE},{y + 1.2 * high} Z"
    circle = (
        f"M{left},{y} Q{left},{y - high} {SPINE},{y - high} Q{right},{y - high} {right},{y} "
        f"Q{right},{y + high} {SPINE},{y + high} Q{left},{y + high} {left},{y} Z"
    )
    if row.mark == "failed":
        return _path(square, fillcolor=FAILED, line={"width": 0})
    if row.mark == "ran":
        return _path(diamond, fillcolor=RAN, line={"width": 0})
    if row.mark == "cached":
        return _path(circle, fillcolor=CACHED, line={"width": 0})
    return _path(circle, fillcolor=CLEAR, line={"color": TEXT, "width": 1.2})


def _texts(rows: Mapping[int, Row]) -> Iterator[dict[str, object]]:
    labels = {line: short_instruction(row.instruction, INSTRUCTION_LETTERS) for line, row in rows.items()}
    second_column = LABEL + round(LETTER_PIXELS * max(map(letters, labels.values()), default=0)) + 12
    for line, row in rows.items():
        label = plain(labels[line])
        yield _text(row, NUMBER, str(line), anchor="right")
        yield _text(row, LABEL, f"<b>{label}</b>" if row.is_opening else label)
        if row.words:
            yield _text(row, second_column, row.words)


def _text(row: Row, pixels: int, text: str, *, anchor: str = "left") -> dict[str, object]:
    return {
        "xref": "paper",
        "x": 0,
        "xshift": pixels,
        "xanchor": anchor,
        "yref": "y",
        "y": row.at,
        "yanchor": "middle",
        "text": text,
        "showarrow": False,
    }
