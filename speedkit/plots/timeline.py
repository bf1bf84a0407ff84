"""A build over time: a bar per step, where it began and how long it ran."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from speedkit.measurements import edit_words
from speedkit.messages import message, plural
from speedkit.model import Build, Step
from speedkit.recordings import stage_text
from speedkit.words import seconds_text, steps_that_ran_with

from .bar_panels import HEADING, label_rows, panels
from .plot import Plot
from .style import BAR, CACHED, FAILED, RAN, add_hover_rows, capital, finish, first_line, hatched, notes, short

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
    figure.update_xaxes(title_text=message("seconds since the build began"), row=len(builds), col=1)
    finish(
        figure,
        title=_finding(build) if other is None else _difference(build, other),
        measured="; ".join([*_measured(builds), notes(builds)]),
        plot_pixels=pixels,
        left=max((len(first_line(step)) for steps in shown for step in steps), default=0),
        right_pixels=130,
        above_pixels=HEADING - 12 if other else 10,
    )
    return Plot(figure, pd.concat([_table(one, named=other is not None) for one in builds], ignore_index=True))


def _table(build: Build, *, named: bool) -> pd.DataFrame:
    """The steps of a build; its state says what its columns `cached` and `error` do."""
    table = build.steps.drop(columns=["error", "cached"])
    table["stage"] = [stage_text(step) for step in build.instructions]
    if named:
        table.insert(0, "build", message("{strategy}, {edit}", strategy=build.strategy, edit=build.edit))
    return table


def _name(build: Build) -> str:
    return message(
        "{strategy}, {edit}: {seconds}",
        strategy=build.strategy,
        edit=edit_words(build.edit),
        seconds=seconds_text(build.seconds),
    )


def _measured(builds: Sequence[Build]) -> list[str]:
    if len(builds) > 1:
        return [message("one run each, a bar for each instruction")]
    return [
        message("{strategy}, {edit}", strategy=builds[0].strategy, edit=edit_words(builds[0].edit)),
        message("one run, a bar for each instruction"),
    ]


def _add_bars(figure: go.Figure, steps: list[Step], longest: float, row: int) -> None:
    add_hover_rows(
        figure, [f"{stage_text(step)}: {step.instruction}\n{_said(step)}" for step in steps], width=longest * ROOM, row=row
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
        return message("{icon} cached", icon="✓")
    if step.state == "waiting":
        return message("not reached")
    seconds = seconds_text(step.seconds)
    if step.state == "failed":
        return message("{icon} failed, {seconds}", icon="✗", seconds=seconds)
    if step.state == "cancelled":
        return message("{icon} cancelled, {seconds}", icon="✗", seconds=seconds)
    return message("{icon} {seconds}", icon="↻", seconds=seconds)


def _finding(build: Build) -> str:
    ran = [step for step in build.instructions if step.ran]
    ended = [step for step in ran if step.state in ("failed", "cancelled")]
    if ended:
        where, seconds = capital(_where(ended[0])), seconds_text(ended[0].seconds)
        if ended[0].state == "failed":
            return message("{step} fails after {seconds}", step=where, seconds=seconds)
        return message("{step} was cancelled after {seconds}", step=where, seconds=seconds)
    whole = seconds_text(build.seconds)
    if not ran:
        return message("Nothing ran: all from the cache in {seconds}", seconds=whole)
    slowest = max(ran, key=lambda step: step.seconds)
    if slowest.seconds < MOSTLY * build.seconds:
        return plural("{count} step ran, {seconds} in all", "{count} steps ran, {seconds} in all", len(ran), seconds=whole)
    return message(
        "{seconds} of {whole} are one step: {step}", seconds=seconds_text(slowest.seconds), whole=whole, step=_where(slowest)
    )


def _where(step: Step) -> str:
    instruction = short(step.instruction, NAMED)
    if step.line is None:
        return instruction
    return message("line {line}, {instruction}", line=step.line, instruction=instruction)


def _difference(first: Build, second: Build) -> str:
    """How much each build had to do. Seconds of single runs stand beside the bars; they prove no difference."""
    if first.strategy == second.strategy:
        return message(
            "{strategy}: {first}, {second}",
            strategy=first.strategy,
            first=steps_that_ran_with(first, edit_words(first.edit)),
            second=steps_that_ran_with(second, edit_words(second.edit)),
        )
    one, other = (steps_that_ran_with(build, build.strategy) for build in (first, second))
    if first.edit == second.edit:
        return message("{edit}: {first}, {second}", edit=capital(edit_words(first.edit)), first=one, second=other)
    return message("{first}, {second}", first=one, second=other)
