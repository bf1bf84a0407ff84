"""A build over time: a bar per step, where it began and how long it ran."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from speedkit.model import Build, Step
from speedkit.plots.measuring import said
from speedkit.plots.panels import HEADING, label_rows, panels
from speedkit.plots.plot import Plot
from speedkit.plots.style import BAR, CACHED, FAILED, RAN, add_hover_rows, capital, finish, first_line, hatched, notes, short
from speedkit.words.amounts import seconds_text, steps_that_ran

__all__ = ["timeline"]

MOSTLY = 0.5
SEEN = 0.003
ROOM = 1.02
NAMED = 24
KINDS = {
    "cached": (CACHED, False),
    "ran": (RAN, True),
    "running": (RAN, True),
    "failed": (FAILED, True),
    "cancelled": (FAILED, True),
}


def timeline(build: Build, other: Build | None = None) -> Plot:
    """When each step of a build ran and for how long; two builds above each other when another one is given."""
    builds = [build] if other is None else [build, other]
    shown = [[step for step in one.instructions if step.state in KINDS or step.state == "waiting"] for one in builds]
    longest = max(max(one.seconds for one in builds), 0.01)
    figure, pixels = panels([len(steps) for steps in shown], [_name(one) for one in builds] if other else [])
    for row, steps in enumerate(shown, 1):
        _add_bars(figure, steps, longest, row)
    figure.update_xaxes(range=[0, longest * ROOM])
    figure.update_xaxes(title_text="seconds since the build began", row=len(builds), col=1)
    finish(
        figure,
        title=_finding(build) if other is None else _difference(build, other),
        measured=f"{_measured(builds)}; {notes(builds)}",
        plot_pixels=pixels,
        left=max((len(first_line(step)) for steps in shown for step in steps), default=0),
        right_pixels=130,
        above_pixels=HEADING - 12 if other else 10,
    )
    return Plot(figure, pd.concat([_table(one, named=other is not None) for one in builds], ignore_index=True))


def _table(build: Build, *, named: bool) -> pd.DataFrame:
    """The steps of a build; its state says what its columns `cached` and `error` do."""
    table = build.steps.drop(columns=["error", "cached"])
    if named:
        table.insert(0, "build", f"{build.strategy}, {build.edit}")
    return table


def _name(build: Build) -> str:
    return f"{build.strategy}, {said(build.edit)}: {seconds_text(build.seconds)}"


def _measured(builds: Sequence[Build]) -> str:
    if len(builds) == 1:
        return f"{builds[0].strategy}, {said(builds[0].edit)}; one run, a bar for each instruction"
    return "one run each, a bar for each instruction"


def _add_bars(figure: go.Figure, steps: list[Step], longest: float, row: int) -> None:
    add_hover_rows(
        figure, [f"{step.stage}: {step.instruction}\n{_said(step)}" for step in steps], width=longest * ROOM, row=row
    )
    for state in dict.fromkeys(step.state for step in steps):
        colour, hatch = KINDS.get(state, (CACHED, False))
        places = [place for place, step in enumerate(steps) if step.state == state]
        figure.add_bar(
            row=row,
            col=1,
            orientation="h",
            y=places,
            base=[steps[place].started_seconds or 0 for place in places],
            x=[max(steps[place].seconds, longest * SEEN) if state in KINDS else 0 for place in places],
            width=BAR,
            marker={"color": colour, "pattern": hatched(hatch), "line": {"width": 0}},
            text=[_said(steps[place]) for place in places],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    label_rows(figure, [short(first_line(step)) for step in steps], row=row)


def _said(step: Step) -> str:
    if step.cached:
        return "✓ cached"
    if step.state == "waiting":
        return "not reached"
    seconds = seconds_text(step.seconds)
    return f"✗ {step.state}, {seconds}" if step.state in ("failed", "cancelled") else f"↻ {seconds}"


def _finding(build: Build) -> str:
    ran = [step for step in build.instructions if step.ran]
    ended = [step for step in ran if step.state in ("failed", "cancelled")]
    if ended:
        return f"{capital(_where(ended[0]))} {_ending(ended[0])} after {seconds_text(ended[0].seconds)}"
    if not ran:
        return f"Nothing ran: all from the cache in {seconds_text(build.seconds)}"
    slowest = max(ran, key=lambda step: step.seconds)
    if slowest.seconds < MOSTLY * build.seconds:
        return f"{len(ran)} steps ran, {seconds_text(build.seconds)} in all"
    return f"{seconds_text(slowest.seconds)} of {seconds_text(build.seconds)} are one step: {_where(slowest)}"


def _ending(step: Step) -> str:
    return "fails" if step.state == "failed" else "was cancelled"


def _where(step: Step) -> str:
    return short(step.instruction, NAMED) if step.line is None else f"line {step.line}, {short(step.instruction, NAMED)}"


def _difference(first: Build, second: Build) -> str:
    """How much each build had to do. Seconds of single runs stand beside the bars; they prove no difference."""
    if first.strategy == second.strategy:
        return f"{first.strategy}: {', '.join(f'{steps_that_ran(build)} with {said(build.edit)}' for build in (first, second))}"
    ways = ", ".join(f"{steps_that_ran(build)} with {build.strategy}" for build in (first, second))
    return f"{capital(said(first.edit))}: {ways}" if first.edit == second.edit else ways
