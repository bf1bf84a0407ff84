"""Which edit makes which line run again: a cell per instruction and edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.model import Build, Step
from speedkit.plots.measuring import COLD, HasBuilds, comparable, edits_in_order, heading, said, without_repeats
from speedkit.plots.panels import label_rows
from speedkit.plots.plot import Plot
from speedkit.plots.style import ROW, capital, finish, first_line, notes, plain, short

__all__ = ["cache_grid"]

CELLS = {
    "cached": (0, "✓ cached"),
    "ran": (1, "↻ runs"),
    "failed": (2, "✗ fails"),
    "cancelled": (2, "✗ stopped"),
    "waiting": (3, "not reached"),
    "unclear": (3, "not told apart"),
}
SHAPES = "✓↻✗ "
SCALE = [
    [0, "rgba(0,114,178,.16)"],
    [0.25, "rgba(0,114,178,.16)"],
    [0.25, "rgba(179,71,0,.2)"],
    [0.5, "rgba(179,71,0,.2)"],
    [0.5, "rgba(179,38,30,.3)"],
    [0.75, "rgba(179,38,30,.3)"],
    [0.75, "rgba(128,128,128,.12)"],
    [1, "rgba(128,128,128,.12)"],
]
LONGEST, LONGEST_OF_MANY = 32, 28
MANY = 7
"""So many edits leave less room for the instructions."""
HEAD_LINE = 16


def cache_grid(source: HasBuilds | Sequence[Build], strategy: str | None = None) -> Plot:
    """Hit or miss of every instruction that BuildKit runs, for each edit of one strategy.

    strategy: the one to show; None takes the one built under the most edits.
    """
    given = source if isinstance(source, Sequence) else source.builds
    builds = [build for build in without_repeats(comparable(given)) if build.edit != COLD]
    chosen = strategy if strategy is not None else _most_edited(builds)
    newest = {build.edit: build for build in builds if build.strategy == chosen}
    newest = {edit: newest[edit] for edit in edits_in_order(newest)}
    steps = _steps(newest)
    cells = [[_cell(build, step) for build in newest.values()] for step in steps]
    labels = [short(first_line(step), LONGEST if len(newest) < MANY else LONGEST_OF_MANY) for step in steps]
    figure = go.Figure()
    _add_cells(figure, cells, steps, list(newest))
    heads = [heading(edit).replace(" ", "<br>") for edit in map(plain, newest)]
    finish(
        figure,
        title=_finding(newest, cells),
        measured="; ".join(filter(None, [chosen, "each build as BuildKit reported it", notes(list(newest.values()))])),
        plot_pixels=ROW * max(len(steps), 1),
        left=max(map(len, labels), default=0),
        right_pixels=16,
        above_pixels=18 + HEAD_LINE * max((head.count("<br>") + 1 for head in heads), default=0),
        below_pixels=16,
    )
    figure.update_xaxes(
        side="top", showgrid=False, tickangle=0, tickfont={"size": 12}, tickvals=list(range(len(heads))), ticktext=heads
    )
    figure.update_xaxes(range=[-0.5, max(len(heads), 1) - 0.5])
    label_rows(figure, labels)
    table = Frame(
        [[first_line(step), *(word.lstrip(SHAPES) for _, word in row)] for step, row in zip(steps, cells, strict=True)],
        columns=["instruction", *map(heading, newest)],
    )
    return Plot(figure, table)


def _add_cells(figure: go.Figure, cells: list[list[tuple[int, str]]], steps: list[Step], edits: list[str]) -> None:
    figure.add_heatmap(
        z=[[code for code, _ in row] for row in cells],
        text=[
            [f"{plain(step.instruction)}<br>{plain(said(edit))}: {word}" for edit, (_, word) in zip(edits, row, strict=True)]
            for step, row in zip(steps, cells, strict=True)
        ],
        x=list(range(len(edits))),
        y=list(range(len(steps))),
        zmin=0,
        zmax=3,
        colorscale=SCALE,
        showscale=False,
        xgap=3,
        ygap=3,
        hovertemplate="%{text}<extra></extra>",
    )
    for row, words in enumerate(cells):
        for column, (_, word) in enumerate(words):
            figure.add_annotation(x=column, y=row, text=word, showarrow=False, font={"size": 12})


def _most_edited(builds: Sequence[Build]) -> str:
    """The strategy built under the most edits; among equals the one with the most instructions."""
    edits: dict[str, set[str]] = {}
    instructions: dict[str, int] = {}
    for build in builds:
        edits.setdefault(build.strategy, set()).add(build.edit)
        instructions[build.strategy] = len(build.instructions)
    return max(edits, key=lambda strategy: (len(edits[strategy]), instructions[strategy]), default="")


def _steps(newest: dict[str, Build]) -> list[Step]:
    """The instructions that BuildKit runs in any of the builds; FROM says nothing about edits."""
    found: dict[tuple[int | None, str], Step] = {}
    for build in newest.values():
        for step in build.instructions:
            if step.state in CELLS and not step.instruction.startswith("FROM "):
                found.setdefault((step.line, step.instruction), step)
    return sorted(found.values(), key=lambda step: (step.line is not None, step.line or 0))


def _cell(build: Build, step: Step) -> tuple[int, str]:
    for own in build.instructions:
        if (own.line, own.instruction) == (step.line, step.instruction):
            return CELLS.get(own.state, CELLS["waiting"])
    return CELLS["waiting"]


def _finding(newest: dict[str, Build], cells: list[list[tuple[int, str]]]) -> str:
    """The edits that run the most steps and those that run the fewest; builds that failed prove neither."""
    columns = zip(newest.items(), zip(*cells, strict=True), strict=False)
    counts = {edit: sum(code == 1 for code, _ in column) for (edit, build), column in columns if build.ok}
    if not counts:
        return "Every build shown failed" if newest else "Nothing was built yet"
    most, fewest = max(counts.values()), min(counts.values())
    if len(counts) > 1 and most == fewest:
        return f"Every edit that can be built makes {most} of {len(cells)} steps run again"
    first = f"{capital(_with(counts, most))}: {most} of {len(cells)} steps run again"
    return first if len(counts) == 1 else f"{first}; {_with(counts, fewest, 'others')}: {fewest}"


def _with(counts: Mapping[str, int], count: int, many: str = "edits") -> str:
    """The edits after which so many steps ran: one or two by name, or how many there are."""
    edits = [said(edit) for edit, steps in counts.items() if steps == count]
    return " and ".join(edits) if len(edits) <= 2 else f"{len(edits)} {many}"
