"""Which edit makes which line run again: a cell per instruction and edit."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from speedkit.model import Build, Step
from speedkit.plots.plot import Plot
from speedkit.plots.rebuild import COLD, EDITS, HasBuilds
from speedkit.plots.style import base_note, finish, first_line

__all__ = ["cache_grid"]

CELLS = {
    "cached": (0, "✓ cached"),
    "ran": (1, "↻ runs"),
    "failed": (2, "✗ fails"),
    "cancelled": (2, "✗ cancelled"),
    "waiting": (3, "not reached"),
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


def cache_grid(source: HasBuilds | Sequence[Build], strategy: str | None = None) -> Plot:
    """Hit or miss of every instruction that BuildKit runs, for each edit of one strategy.

    strategy: the one to show; None takes the one built under the most edits.
    """
    builds = [build for build in (source if isinstance(source, Sequence) else source.builds) if build.edit != COLD]
    chosen = strategy or _most_edited(builds)
    newest = {build.edit: build for build in builds if build.strategy == chosen}
    steps = _steps(newest)
    edits = list(newest)
    table = pd.DataFrame(
        [[first_line(step), *(_word(newest[edit], step) for edit in edits)] for step in steps], columns=["instruction", *edits]
    )
    figure = go.Figure()
    figure.add_heatmap(
        z=[[_cell(newest[edit], step)[0] for edit in edits] for step in steps],
        text=[[_cell(newest[edit], step)[1] for edit in edits] for step in steps],
        x=[EDITS.get(edit, edit) for edit in edits],
        y=list(range(len(steps))),
        texttemplate="%{text}",
        zmin=0,
        zmax=3,
        colorscale=SCALE,
        showscale=False,
        xgap=3,
        ygap=3,
        hovertemplate="%{x}: %{text}<extra></extra>",
    )
    finish(
        figure,
        title=_finding(newest, steps),
        measured=f"{chosen}: what BuildKit reported for each instruction{base_note(list(newest.values()))}",
        rows=len(steps) + 1,
        left=max((len(first_line(step)) for step in steps), default=0),
    )
    figure.update_xaxes(side="top", showgrid=False)
    figure.update_layout(margin_t=110)
    labels = [first_line(step).replace("&", "&amp;").replace("<", "&lt;") for step in steps]
    figure.update_yaxes(tickvals=list(range(len(steps))), ticktext=labels)
    return Plot(figure, table)


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


def _word(build: Build, step: Step) -> str:
    return _cell(build, step)[1].partition(" ")[2]


def _finding(newest: dict[str, Build], steps: list[Step]) -> str:
    counts = {edit: sum(_cell(build, step)[0] == 1 for step in steps) for edit, build in newest.items()}
    if not counts:
        return "Nothing was built yet"
    worst = max(counts, key=lambda edit: counts[edit])
    least = min(counts, key=lambda edit: counts[edit])
    if counts[worst] == counts[least]:
        return f"Every edit makes {counts[worst]} of {len(steps)} steps run again"
    worst_name, least_name = EDITS.get(worst, worst), EDITS.get(least, least)
    start = f"{worst_name[0].upper()}{worst_name[1:]}: {counts[worst]} of {len(steps)} steps run again"
    return f"{start}; {least_name}: {counts[least]}"
