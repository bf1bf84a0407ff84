"""A build over time: a bar per step, where it began and how long it ran."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from speedkit.model import Build, Step
from speedkit.plots.plot import Plot
from speedkit.plots.style import base_note, finish, first_line, step_colour
from speedkit.rendering import seconds_text

__all__ = ["timeline"]

MOSTLY = 0.5
INSIDE = 0.55


def timeline(build: Build, other: Build | None = None) -> Plot:
    """When each step of a build ran and for how long; two builds above each other when another one is given."""
    builds = [build] if other is None else [build, other]
    shown = [[step for step in one.instructions if step.started_seconds is not None] for one in builds]
    longest = max(one.seconds for one in builds)
    figure = make_subplots(
        rows=len(builds),
        shared_xaxes=True,
        vertical_spacing=0.16,
        row_heights=[len(s) + 1 for s in shown],
        subplot_titles=[_name(one) for one in builds] if other else None,
    )
    for row, steps in enumerate(shown, 1):
        _add_bars(figure, steps, longest, row)
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    figure.update_xaxes(range=[0, longest * 1.12])
    figure.update_xaxes(title_text="seconds since the build began", row=len(builds), col=1)
    finish(
        figure,
        title=_finding(build) if other is None else f"{seconds_text(build.seconds)} or {seconds_text(other.seconds)}",
        measured=f"{' and '.join(_name(one) for one in builds)}; one run; hatched: ran{base_note(builds)}",
        rows=sum(len(steps) for steps in shown) + 2 * (len(builds) - 1),
        left=max((len(first_line(step)) for steps in shown for step in steps), default=0),
    )
    return Plot(
        figure, pd.concat([one.steps.assign(build=_name(one)) for one in builds], ignore_index=True).drop(columns=["error"])
    )


def _name(build: Build) -> str:
    return f"{build.strategy}, {build.edit}"


def _add_bars(figure: go.Figure, steps: list[Step], longest: float, row: int) -> None:
    labels = [first_line(step) for step in steps]
    figure.add_bar(
        row=row,
        col=1,
        orientation="h",
        y=list(range(len(steps))),
        base=[step.started_seconds for step in steps],
        x=[max(step.seconds, longest * 0.003) for step in steps],
        marker={
            "color": [step_colour(step) for step in steps],
            "pattern": {
                "shape": ["" if step.cached else "/" for step in steps],
                "fgcolor": "rgba(255,255,255,.55)",
                "size": 6,
                "solidity": 0.25,
            },
        },
        text=[_said(step) for step in steps],
        textposition=["inside" if step.seconds > INSIDE * longest else "outside" for step in steps],
        insidetextanchor="end",
        insidetextfont={"color": "#ffffff"},
        cliponaxis=False,
        hovertext=[f"{step.stage}: {step.instruction}" for step in steps],
        hovertemplate="%{hovertext}<br>%{text}<extra></extra>",
    )
    figure.update_yaxes(tickvals=list(range(len(steps))), ticktext=[_plain(label) for label in labels], row=row, col=1)


def _plain(text: str) -> str:
    """Text that plotly does not take as its own small markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _said(step: Step) -> str:
    if step.cached:
        return "✓ cached"
    seconds = seconds_text(step.seconds)
    return f"✗ {step.state}, {seconds}" if step.state in ("failed", "cancelled") else f"↻ {seconds}"


def _finding(build: Build) -> str:
    ran = [step for step in build.instructions if step.ran]
    if not ran:
        return f"Nothing ran again: {seconds_text(build.seconds)}"
    slowest = max(ran, key=lambda step: step.seconds)
    if slowest.seconds < MOSTLY * build.seconds:
        return f"{len(ran)} steps ran, {seconds_text(build.seconds)} in all"
    where = f"line {slowest.line}" if slowest.line is not None else slowest.instruction
    return f"{seconds_text(slowest.seconds)} of {seconds_text(build.seconds)} are one step: {where}"
