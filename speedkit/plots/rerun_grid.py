"""Which edit makes which line run again: a grid with a row per instruction and a column per edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.measurements import COLD, HasBuilds, comparable_builds, edit_heading, edit_words, edits_in_order, without_repeats
from speedkit.messages import clauses, join_names, marked, message, plural
from speedkit.model import Build, Step
from speedkit.text_width import letters

from .bar_panels import label_rows
from .plot import Plot
from .style import ROW, capital, finish, first_line, notes, plain, step_label

__all__ = ["cache_grid"]


class _Cell(NamedTuple):
    """What a cell shows. code: the index of its colour in `SCALE`. english: its word, `marked`."""

    code: int
    icon: str
    english: str

    @property
    def word(self) -> str:
        return message(self.english)

    def __str__(self) -> str:
        return f"{self.icon} {self.word}".lstrip()


CELLS = {
    "cached": _Cell(0, "✓", marked("cached")),
    "ran": _Cell(1, "↻", marked("runs")),
    "failed": _Cell(2, "✗", marked("fails")),
    "cancelled": _Cell(2, "✗", marked("stopped")),
    "waiting": _Cell(3, "", marked("not reached")),
    "unclear": _Cell(3, "", marked("not told apart")),
}
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
"""A colour per code of a cell. Each stands twice, because plotly blends neighbouring entries that differ."""
LABEL_LETTERS, LABEL_LETTERS_BESIDE_MANY = 36, 32
MANY_EDITS = 7
"""From so many columns on, labels of instructions are shorter, so that the words in the cells have room."""
HEAD_LINE_PIXELS = 16


def cache_grid(source: HasBuilds | Sequence[Build], strategy: str | None = None) -> Plot:
    """Hit or miss of every instruction that BuildKit runs, for each edit of one strategy.

    strategy: its name; None shows the one that was built under the most edits.
    """
    all_builds = source if isinstance(source, Sequence) else source.builds
    builds = [build for build in without_repeats(comparable_builds(all_builds)) if build.edit != COLD]
    shown_strategy = strategy if strategy is not None else _most_edited(builds)
    newest = {build.edit: build for build in builds if build.strategy == shown_strategy}
    newest = {edit: newest[edit] for edit in edits_in_order(newest)}
    steps = _steps(newest.values())
    cells = [[_cell(build, step) for build in newest.values()] for step in steps]
    label_letters = LABEL_LETTERS if len(newest) < MANY_EDITS else LABEL_LETTERS_BESIDE_MANY
    labels = [step_label(step, label_letters) for step in steps]
    figure = go.Figure()
    figure.add_heatmap(
        z=[[cell.code for cell in row] for row in cells],
        text=[
            [f"{plain(step.instruction)}<br>{plain(edit_words(edit))}: {cell}" for edit, cell in zip(newest, row, strict=True)]
            for step, row in zip(steps, cells, strict=True)
        ],
        x=list(range(len(newest))),
        y=list(range(len(steps))),
        zmin=0,
        zmax=3,
        colorscale=SCALE,
        showscale=False,
        xgap=3,
        ygap=3,
        hovertemplate="%{text}<extra></extra>",
    )
    for row, across in enumerate(cells):
        for column, cell in enumerate(across):
            figure.add_annotation(x=column, y=row, text=str(cell), showarrow=False, font={"size": 12})
    # A word per line: the columns are narrow.
    heads = [edit_heading(edit).replace(" ", "<br>") for edit in map(plain, newest)]
    finish(
        figure,
        title=_finding(newest, cells),
        measured=clauses(
            filter(None, [shown_strategy, message("each build as BuildKit reported it"), notes(list(newest.values()))])
        ),
        plot_pixels=ROW * max(len(steps), 1),
        left=max(map(letters, labels), default=0),
        right_pixels=16,
        above_pixels=18 + HEAD_LINE_PIXELS * max((head.count("<br>") + 1 for head in heads), default=0),
        below_pixels=16,
    )
    figure.update_xaxes(
        side="top", showgrid=False, tickangle=0, tickfont={"size": 12}, tickvals=list(range(len(heads))), ticktext=heads
    )
    figure.update_xaxes(range=[-0.5, max(len(heads), 1) - 0.5])
    label_rows(figure, labels)
    table = Frame(
        [[first_line(step), *(cell.word for cell in row)] for step, row in zip(steps, cells, strict=True)],
        columns=["instruction", *newest],
    )
    return Plot(figure, table, heads={edit: edit_heading(edit) for edit in newest})


def _most_edited(builds: Sequence[Build]) -> str:
    """The strategy that was built under the most edits; of equals, the one with the most instructions."""
    edits: dict[str, set[str]] = {}
    instructions: dict[str, int] = {}
    for build in builds:
        edits.setdefault(build.strategy, set()).add(build.edit)
        instructions[build.strategy] = len(build.instructions)
    return max(edits, key=lambda strategy: (len(edits[strategy]), instructions[strategy]), default="")


def _steps(builds: Iterable[Build]) -> list[Step]:
    """The instructions that BuildKit runs in any of the builds, without FROM, on which edits of files have no influence."""
    # The same line may hold other instructions in builds of an edited Dockerfile: each gets a row.
    by_place: dict[tuple[int | None, str], Step] = {}
    for build in builds:
        for step in build.instructions:
            if step.state in CELLS and not step.instruction.startswith("FROM "):
                by_place.setdefault((step.line, step.instruction), step)
    return sorted(by_place.values(), key=lambda step: (step.line is not None, step.line or 0))


def _cell(build: Build, step: Step) -> _Cell:
    """What became of an instruction in a build; "not reached" when the build has no such instruction."""
    for own_step in build.instructions:
        if (own_step.line, own_step.instruction) == (step.line, step.instruction):
            return CELLS.get(own_step.state, CELLS["waiting"])
    return CELLS["waiting"]


def _finding(newest: dict[str, Build], cells: list[list[_Cell]]) -> str:
    """The edits that make the most steps run, and those that make the fewest run."""
    # A failed build did not reach all of its steps, so its count says nothing.
    columns = zip(newest.items(), zip(*cells, strict=True), strict=False)
    counts = {edit: sum(cell is CELLS["ran"] for cell in column) for (edit, build), column in columns if build.ok}
    if not counts:
        return message("Every build shown failed") if newest else message("Nothing was built yet")
    most, fewest = max(counts.values()), min(counts.values())
    if len(counts) > 1 and most == fewest:
        return message("Every edit that can be built makes {ran} of {steps} steps run again", ran=most, steps=len(cells))
    edits = capital(_edits_with(counts, most, lambda count: plural("{count} edit", "{count} edits", count)))
    if len(counts) == 1:
        return message("{edits}: {ran} of {steps} steps run again", edits=edits, ran=most, steps=len(cells))
    return message(
        "{edits}: {ran} of {steps} steps run again; {others}: {fewest}",
        edits=edits,
        ran=most,
        steps=len(cells),
        others=_edits_with(counts, fewest, lambda count: plural("{count} other", "{count} others", count)),
        fewest=fewest,
    )


def _edits_with(counts: Mapping[str, int], ran: int, many: Callable[[int], str]) -> str:
    """The edits after which `ran` steps ran: one or two by name, or how many there are, in the words of `many`."""
    edits = [edit_words(edit) for edit, steps in counts.items() if steps == ran]
    return join_names(edits) if len(edits) <= 2 else many(len(edits))
