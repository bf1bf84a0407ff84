"""A build over time: a bar per step, from its start to its end."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from speedkit.measurements import edit_words
from speedkit.messages import clauses, message, plural
from speedkit.model import Build, Step
from speedkit.recordings import stage_text
from speedkit.words import seconds_text, steps_that_ran_with

from .bar_panels import HEADING, label_rows, panels
from .plot import Plot
from .style import (
    BAR,
    CACHED,
    FAILED,
    RAN,
    add_hover_rows,
    capital,
    finish,
    first_line,
    hatched,
    notes,
    short_instruction,
    step_label,
)

__all__ = ["timeline"]

MOST_OF_IT = 0.5
THINNEST = 0.003
"""The share of the axis that a bar fills at least, so that a step of milliseconds is visible."""
ROOM = 1.02
INSTRUCTION_LETTERS = 24
LOOKS = {
    "cached": (CACHED, False),
    "ran": (RAN, True),
    "running": (RAN, True),
    "failed": (FAILED, True),
    "cancelled": (FAILED, True),
}


def timeline(build: Build, other: Build | None = None) -> Plot:
    """When each step of a build ran and for how long. With another build, both are drawn above each other on one time scale."""
    builds = [build] if other is None else [build, other]
    shown = [[step for step in one.instructions if step.state in LOOKS or step.state == "waiting"] for one in builds]
    headings = []
    if other is not None:
        headings = [
            message(
                "{strategy}, {edit}: {seconds}",
                strategy=one.strategy,
                edit=edit_words(one.edit),
                seconds=seconds_text(one.seconds),
            )
            for one in builds
        ]
    longest = max(max(one.seconds for one in builds), 0.01)
    figure, pixels = panels([len(steps) for steps in shown], headings)
    for row, steps in enumerate(shown, 1):
        _add_bars(figure, steps, longest, row)
    figure.update_xaxes(range=[0, longest * ROOM])
    figure.update_xaxes(title_text=message("seconds since the build began"), row=len(builds), col=1)
    if other is None:
        name = message("{strategy}, {edit}", strategy=build.strategy, edit=edit_words(build.edit))
        how = [name, message("one run, a bar for each instruction")]
    else:
        how = [message("one run each, a bar for each instruction")]
    finish(
        figure,
        title=_finding(build) if other is None else _difference(build, other),
        measured=clauses([*how, notes(builds)]),
        plot_pixels=pixels,
        left=max((len(first_line(step)) for steps in shown for step in steps), default=0),
        right_pixels=130,
        above_pixels=HEADING - 12 if other else 10,
    )
    return Plot(figure, pd.concat([_table(one, named=other is not None) for one in builds], ignore_index=True))


def _table(build: Build, *, named: bool) -> pd.DataFrame:
    """The steps of a build, without the columns `cached` and `error`: the state has both. named: with the build's name."""
    table = build.steps.drop(columns=["error", "cached"])
    table["stage"] = [stage_text(step) for step in build.instructions]
    if named:
        table.insert(0, "build", message("{strategy}, {edit}", strategy=build.strategy, edit=build.edit))
    return table


def _add_bars(figure: go.Figure, steps: list[Step], longest: float, row: int) -> None:
    """longest: the seconds of the longest build, at which the axis ends."""
    add_hover_rows(
        figure,
        [f"{stage_text(step)}: {step.instruction}\n{_state_text(step)}" for step in steps],
        width=longest * ROOM,
        row=row,
    )
    # A trace has one colour and one pattern: the bars of each state are a trace of their own.
    for state in dict.fromkeys(step.state for step in steps):
        colour, hatch = LOOKS.get(state, (CACHED, False))
        places = [place for place, step in enumerate(steps) if step.state == state]
        figure.add_bar(
            row=row,
            col=1,
            orientation="h",
            y=places,
            base=[steps[place].started_seconds or 0 for place in places],
            # A step that was not reached has no bar, only its words.
            x=[max(steps[place].seconds, longest * THINNEST) if state in LOOKS else 0 for place in places],
            width=BAR,
            marker={"color": colour, "pattern": hatched(hatch), "line": {"width": 0}},
            text=[_state_text(steps[place]) for place in places],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    label_rows(figure, [step_label(step) for step in steps], row=row)


def _state_text(step: Step) -> str:
    """The words beside the bar of a step."""
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
    """The step at which the build ended early, or the one that took most of the time, or how many steps ran."""
    ran = [step for step in build.instructions if step.ran]
    ended = [step for step in ran if step.state in ("failed", "cancelled")]
    if ended:
        step, seconds = capital(_step_in_words(ended[0])), seconds_text(ended[0].seconds)
        if ended[0].state == "failed":
            return message("{step} fails after {seconds}", step=step, seconds=seconds)
        return message("{step} was cancelled after {seconds}", step=step, seconds=seconds)
    whole = seconds_text(build.seconds)
    if not ran:
        return message("Nothing ran: all from the cache in {seconds}", seconds=whole)
    slowest = max(ran, key=lambda step: step.seconds)
    if slowest.seconds < MOST_OF_IT * build.seconds:
        return plural("{count} step ran, {seconds} in all", "{count} steps ran, {seconds} in all", len(ran), seconds=whole)
    return message(
        "{seconds} of {whole} are one step: {step}",
        seconds=seconds_text(slowest.seconds),
        whole=whole,
        step=_step_in_words(slowest),
    )


def _step_in_words(step: Step) -> str:
    """`line 5, RUN go build`; a command on the host has no line."""
    instruction = short_instruction(step.instruction, INSTRUCTION_LETTERS)
    if step.line is None:
        return instruction
    return message("line {line}, {instruction}", line=step.line, instruction=instruction)


def _difference(first: Build, second: Build) -> str:
    """How many steps each build ran. Their seconds are no finding: single runs prove no difference."""
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
