"""Rebuild times by strategy and edit, as bars in a panel for each edit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.measurements import (
    COLD,
    UNCHANGED,
    HasBuilds,
    Measurement,
    comparable_builds,
    edit_heading,
    edit_words,
    edits_in_order,
    is_beyond_spread,
    measurable_builds,
    measure,
    quickest,
    slowest,
)
from speedkit.messages import clauses, join_names, listed, message, plural
from speedkit.model import Build
from speedkit.text_width import letters
from speedkit.words import count_steps, seconds_text, steps_that_ran_with

from .bar_panels import HEADING, label_rows, panels
from .plot import Plot
from .style import BAR, CACHED, RAN, add_hover_rows, capital, finish, hatched, notes, runs_note, short

__all__ = ["rebuild", "scale"]

LOG_FROM = 20
"""How many times as large as the smallest value the largest one must be for a logarithmic axis."""
LETTER_PIXELS = 7.4
ROOM_BEFORE_SHORTEST = 1.4
"""A logarithmic axis begins at the shortest time divided by this: a bar that begins at its own end would be invisible."""


def rebuild(source: HasBuilds | Sequence[Build]) -> Plot:
    """Rebuild time of every strategy, a panel per edit. The finding names the edit that tells the strategies apart most.

    It names seconds only where two strategies differ by more than repeated runs do; otherwise it counts steps.
    """
    builds = comparable_builds(measurable_builds(source))
    # A cold build and one of unchanged files are no rebuild after an edit: they are shown only when there is nothing else.
    measured = [one for one in measure(builds) if one.edit not in (COLD, UNCHANGED)] or measure(builds)
    strategies = list(dict.fromkeys(one.strategy for one in measured))
    edits = edits_in_order(one.edit for one in measured)
    by_edit = [
        sorted((one for one in measured if one.edit == edit), key=lambda one: strategies.index(one.strategy)) for edit in edits
    ]
    figure, pixels = panels(
        [len(panel) for panel in by_edit], [capital(edit_words(edit)) for edit in edits] if len(edits) > 1 else []
    )
    seconds = [one.seconds for one in measured]
    shortest, longest = min(seconds, default=1), max(seconds, default=1)
    for row, panel in enumerate(by_edit, 1):
        _add_panel(figure, panel, row=row, width=longest)
    logarithmic = scale(figure, seconds, shortest / ROOM_BEFORE_SHORTEST, longest)
    axis = message("seconds, a logarithmic scale") if logarithmic else message("seconds")
    figure.update_xaxes(title_text=axis, row=len(by_edit) or 1, col=1)

    runs = runs_note([len(one.builds) for one in measured])
    how = message("rebuild after each edit, {runs}", runs=runs)
    if len(edits) == 1:
        how = message("rebuild after the edit, {runs}", runs=runs)
    shown_builds = [build for one in measured for build in one.builds]
    longest_label = max((letters(f"{seconds_text(one.seconds)}  {one.spread}") for one in measured), default=0)
    finish(
        figure,
        title=_finding(by_edit, measure(builds)),
        measured=clauses(
            filter(None, [how, message("striped: something ran"), _failures(source, measured), notes(shown_builds)])
        ),
        plot_pixels=pixels,
        left=max(map(letters, strategies), default=0),
        right_pixels=max(190, round(LETTER_PIXELS * longest_label)),
        above_pixels=HEADING - 12 if len(edits) > 1 else 10,
    )
    columns = ["strategy", "edit", "median_seconds", "low_seconds", "high_seconds", "runs"]
    rows = [
        [one.strategy, one.edit, one.seconds, one.low_seconds, one.high_seconds, len(one.builds)]
        for panel in by_edit
        for one in panel
    ]
    return Plot(figure, Frame(rows, columns=columns))


def _failures(source: HasBuilds | Sequence[Build], measured: Sequence[Measurement]) -> str:
    """The strategies that have only failed builds under an edit that is shown; "" when there is none."""
    builds = source if isinstance(source, Sequence) else source.builds
    good = {(one.strategy, one.edit) for one in measured}
    edits = list(dict.fromkeys(one.edit for one in measured))
    failed = dict.fromkeys((build.strategy, build.edit) for build in builds if not build.ok and build.edit in edits)
    names = [
        strategy if len(edits) == 1 else message("{strategy} ({edit})", strategy=strategy, edit=edit_heading(edit))
        for strategy, edit in failed
        if (strategy, edit) not in good
    ]
    return message("failed: {names}", names=listed(names)) if names else ""


def _add_panel(figure: go.Figure, panel: list[Measurement], *, row: int, width: float) -> None:
    """The bars of one edit. width: the end of the time axis, in seconds."""
    add_hover_rows(
        figure, [f"{one.strategy}: {seconds_text(one.seconds)}  {one.spread}" for one in panel], width=width, row=row
    )
    # A trace has one pattern: builds that ran something and builds that did not are two traces.
    for ran in (True, False):
        places = [place for place, one in enumerate(panel) if _ran_a_step(one) == ran]
        figure.add_bar(
            row=row,
            col=1,
            orientation="h",
            y=places,
            x=[panel[place].seconds for place in places],
            width=BAR,
            marker={"color": RAN if ran else CACHED, "pattern": hatched(ran), "line": {"width": 0}},
            text=[f"<b>{seconds_text(panel[place].seconds)}</b>  {panel[place].spread}" for place in places],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    label_rows(figure, [short(one.strategy) for one in panel], row=row)


def _ran_a_step(one: Measurement) -> bool:
    return any(step.ran for build in one.builds for step in build.instructions)


def scale(figure: go.Figure, seconds: Sequence[float], low: float, high: float) -> bool:
    """Set the time axis from `low`, or from zero when linear, to `high`, in seconds. Out: whether it is logarithmic.

    It is logarithmic when the values lie far apart: on a linear axis, a build of 0.2 s beside one of 40 s would be invisible.
    """
    if not seconds or min(seconds) <= 0 or max(seconds) / min(seconds) < LOG_FROM:
        figure.update_xaxes(range=[0, high])
        return False
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    figure.update_xaxes(
        type="log",
        range=[math.log10(low), math.log10(high)],
        tickvals=ticks,
        ticktext=[f"{tick:g}" for tick in ticks],
    )
    return True


def _finding(by_edit: list[list[Measurement]], measured: Sequence[Measurement]) -> str:
    comparable = [panel for panel in by_edit if len(panel) > 1]
    if not comparable:
        if by_edit:
            return message("One strategy was built: build another one to compare")
        return message("Nothing was built yet")
    apart = [panel for panel in comparable if is_beyond_spread(*_slowest_and_quickest(panel), measured)]
    if not apart:
        # Seconds prove nothing here, so the finding counts steps, for the edit after which their shares differ most.
        pairs = [_slowest_and_quickest(panel) for panel in comparable]
        one, other = max(pairs, key=lambda pair: abs(_share_that_ran(pair[0]) - _share_that_ran(pair[1])))
        return message(
            "{edit}: {first}, {second}",
            edit=capital(edit_words(one.edit)),
            first=steps_that_ran_with(one.builds[-1], one.strategy),
            second=steps_that_ran_with(other.builds[-1], other.strategy),
        )

    def factor(panel: list[Measurement]) -> float:
        slow, fast = _slowest_and_quickest(panel)
        return slow.seconds / fast.seconds

    panel = max(apart, key=factor)
    slow, quick = slowest(panel, measured), quickest(panel, measured)
    # A strategy whose runs reach from the quick ones to the slow ones is neither.
    return message(
        "{edit}: {first}, {second}",
        edit=capital(edit_words(panel[0].edit)),
        first=_seconds_with([one for one in slow if one not in quick]),
        second=_seconds_with([one for one in quick if one not in slow]),
    )


def _seconds_with(alike: list[Measurement]) -> str:
    """`26.9 s with naive`, or `25.6 s to 26.9 s with 3 strategies` for those that runs do not tell apart."""
    low, high = (seconds_text(pick(one.seconds for one in alike)) for pick in (min, max))
    names = join_names([one.strategy for one in alike])
    if len(alike) > 2:
        names = plural("{count} strategy", "{count} strategies", len(alike))
    if low == high:
        return message("{seconds} with {strategies}", seconds=low, strategies=names)
    return message("{low} to {high} with {strategies}", low=low, high=high, strategies=names)


def _slowest_and_quickest(panel: list[Measurement]) -> tuple[Measurement, Measurement]:
    return max(panel, key=lambda one: one.seconds), min(panel, key=lambda one: one.seconds)


def _share_that_ran(one: Measurement) -> float:
    ran, steps = count_steps(one.builds[-1])
    return ran / max(steps, 1)
