"""The common look of all figures: a colour for cached and one for ran, each with a word and a pattern of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from speedkit.control_characters import visible
from speedkit.messages import capital, clauses, message, plural
from speedkit.model import Build, Step
from speedkit.text_width import letters as width_in_letters
from speedkit.text_width import wrapped

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
    "short_instruction",
    "step_label",
]

CACHED = "#0072B2"
RAN = "#B34700"
FAILED = "#b3261e"
OWN = "#00785a"
BASE = "#9aa4af"
GRID = "rgba(128,128,128,.3)"
# A grey that can be read on white and on black: some viewers of notebooks let no stylesheet through.
TEXT = "#757b83"
FONT = "system-ui, 'Noto Sans', 'DejaVu Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
"""The last ones are for Chinese: an exported picture has no language, and would get the characters as Japanese writes them."""
LABEL_LETTERS = 40
FLAGS = re.compile(r"^(\S+)(?:\s+--\S+)+\s+")
VARIABLES = re.compile(r"^(\S+ …)(?: \w+=\S*)+ ")
FOLDERS = re.compile(r"(?<= )/?(?:[^/\s]+/)+(?=[^/\s]+)")
ROW = 30
"""The height of a row of bars or cells, in pixels."""
BAR = 0.65
"""The share of a row that a bar fills."""
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

    plot_pixels: the height between the margins. left: the letters of the longest label at the left.
    """
    # Plotly neither wraps a title nor makes room for it.
    title_lines = wrapped(title, TITLE_LETTERS)
    subtitle_lines = wrapped(measured, SUBTITLE_LETTERS)
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
        # Plotly's own template is many times as large as a figure here, and a notebook keeps it with each figure.
        template=go.layout.Template(),
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        margin={"l": 24 + round(7.2 * min(left, LABEL_LETTERS)), "r": right_pixels, "t": top, "b": below_pixels},
        height=top + plot_pixels + below_pixels,
        showlegend=False,
        barmode="overlay",
        hoverlabel={"align": "left"},
        modebar={"remove": ["select", "lasso", "autoscale"]},
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, ticks="", title_font={"size": 13}, title_standoff=6)
    figure.update_yaxes(zeroline=False, automargin=False, ticks="", ticklabelstandoff=5)
    return figure


def hatched(on: bool) -> dict[str, Any]:
    """The pattern of a bar: hatched for steps that ran, plain for cached ones."""
    if not on:
        return {"shape": ""}
    return {"shape": "/", "fillmode": "overlay", "fgcolor": "rgba(255,255,255,.55)", "size": 6, "solidity": 0.25}


def add_hover_rows(figure: go.Figure, texts: Sequence[str], *, width: float, row: int | None = None) -> None:
    """Add an invisible bar behind each row, so that a tooltip appears over the whole row, however thin its bar is.

    texts: the tooltips. width: the end of the x axis.
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
    """Text without markup for plotly, which reads `<b>`, `<a>` and entities; invisible characters are shown as escapes."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: str, letters: int = LABEL_LETTERS) -> str:
    """The text, cut to so many letters; an ellipsis stands for the rest."""
    if width_in_letters(text) <= letters:
        return text
    while width_in_letters(text) > letters - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def short_instruction(instruction: str, letters: int = LABEL_LETTERS) -> str:
    """An instruction in so many letters: as much as possible of its command, or of the names of the files that it copies.

    `RUN --mount=… CGO_ENABLED=0 go build` gives `RUN … go build`. A copy loses the folders of its paths.
    """
    if len(instruction) <= letters:
        return instruction
    if instruction.startswith(("COPY ", "ADD ")):
        return short(FOLDERS.sub("…/", instruction), letters)
    return short(VARIABLES.sub(r"\1 ", FLAGS.sub(r"\1 … ", instruction)), letters)


def step_label(step: Step, letters: int = LABEL_LETTERS) -> str:
    """The label of a step in so many letters: its line number in the Dockerfile and its instruction."""
    number = "" if step.line is None else f"{step.line}  "
    return number + short_instruction(step.instruction, letters - len(number))


def first_line(step: Step) -> str:
    """The line number of a step in the Dockerfile and its whole instruction."""
    return step.instruction if step.line is None else f"{step.line}  {step.instruction}"


def notes(builds: Sequence[Build]) -> str:
    """When the builds were recorded, and whether their base or frontend was a stand-in."""
    days = sorted({datetime.fromisoformat(build.started_at).date() for build in builds})
    # No-break spaces: `finish` must not break a line within a date.
    dates = [message("{date.day} {date:%b} {date.year}", date=day).replace(" ", "\N{NO-BREAK SPACE}") for day in days]
    recorded = [message("recorded {day}", day=dates[0])] if dates else []
    if len(dates) > 1:
        recorded = [message("recorded {first} to {last}", first=dates[0], last=dates[-1])]
    return clauses([*recorded, *dict.fromkeys(build.stand_ins for build in builds if build.stand_ins)])


def runs_note(counts: Sequence[int]) -> str:
    """The words for how often each value was measured. counts: the runs of each value."""
    low, high = min(counts, default=0), max(counts, default=0)
    if high <= 1:
        return message("one run each")
    if low == high:
        return plural("median and range of {count} run", "median and range of {count} runs", low)
    return message("median and range of {low} to {high} runs", low=low, high=high)
