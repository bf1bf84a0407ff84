"""How long a rebuild takes, by strategy and edit."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.measurements import (
    COLD,
    NONE,
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
from speedkit.messages import listed, message, plural
from speedkit.model import Build
from speedkit.words import count_steps, seconds_text, steps_that_ran_with

from .bar_panels import HEADING, label_rows, panels
from .plot import Plot
from .style import BAR, CACHED, RAN, add_hover_rows, capital, finish, hatched, notes, runs_note, short

__all__ = ["half_cold", "rebuild", "scale"]

LOG_FROM = 20
LETTER_PIXELS = 7.4
DECADES = 1.4


def rebuild(source: HasBuilds | Sequence[Build]) -> Plot:
    """Rebuild time of every strategy, a panel per edit; the finding is the edit that tells them apart most.

    The finding names seconds only where two strategies differ by more than repeated runs do; else it counts steps.
    """
    builds = comparable_builds(measurable_builds(source))
    measured = [one for one in measure(builds) if one.edit not in (COLD, NONE)] or measure(builds)
    strategies = list(dict.fromkeys(one.strategy for one in measured))
    edits = edits_in_order(one.edit for one in measured)
    shown = [
        sorted((one for one in measured if one.edit == edit), key=lambda one: strategies.index(one.strategy)) for edit in edits
    ]
    half = half_cold(builds)
    figure, pixels = panels(
        [len(panel) for panel in shown], [capital(edit_words(edit)) for edit in edits] if len(edits) > 1 else []
    )
    low, high = _ends([one.seconds for one in measured])
    for row, panel in enumerate(shown, 1):
        _add_panel(figure, panel, row=row, half=half, width=high)
    logarithmic = scale(figure, [one.seconds for one in measured], low, high)
    axis = message("seconds, a logarithmic scale") if logarithmic else message("seconds")
    figure.update_xaxes(title_text=axis, row=len(shown) or 1, col=1)
    finish(
        figure,
        title=_finding(shown, measure(builds)),
        measured="; ".join(
            filter(
                None,
                [
                    *_how(measured, half),
                    _failures(source, measured),
                    notes([build for one in measured for build in one.builds]),
                ],
            )
        ),
        plot_pixels=pixels,
        left=max(map(len, strategies), default=0),
        right_pixels=max(190, round(LETTER_PIXELS * _longest(measured))),
        above_pixels=HEADING - 12 if len(edits) > 1 else 10,
    )
    return Plot(figure, _table([one for panel in shown for one in panel]))


def half_cold(builds: Sequence[Build]) -> float | None:
    """Half the median seconds of the builds for which nothing was cached; None without any."""
    cold = [build.seconds for build in builds if build.edit == COLD]
    return statistics.median(cold) / 2 if cold else None


def _how(measured: Sequence[Measurement], half: float | None) -> list[str]:
    runs = runs_note([len(one.builds) for one in measured])
    if len({one.edit for one in measured}) == 1:
        what = message("rebuild after the edit, {runs}", runs=runs)
    else:
        what = message("rebuild after each edit, {runs}", runs=runs)
    if half is None:
        return [what, message("hatched: something ran")]
    return [what, message("hatched: at least half of a cold build ({seconds})", seconds=seconds_text(2 * half))]


def _failures(source: HasBuilds | Sequence[Build], measured: Sequence[Measurement]) -> str:
    """Whose builds failed under an edit that others could be measured under; "" when none did."""
    builds = source if isinstance(source, Sequence) else source.builds
    good = {(one.strategy, one.edit) for one in measured}
    edits = list(dict.fromkeys(one.edit for one in measured))
    failed = dict.fromkeys((build.strategy, build.edit) for build in builds if not build.ok and build.edit in edits)
    names = [
        strategy if len(edits) == 1 else message("{strategy} ({edit})", strategy=strategy, edit=edit_heading(edit))
        for strategy, edit in failed
        if (strategy, edit) not in good
    ]
    return message("failed: {names}", names=", ".join(names)) if names else ""


def _add_panel(figure: go.Figure, panel: list[Measurement], *, row: int, half: float | None, width: float) -> None:
    add_hover_rows(
        figure, [f"{one.strategy}: {seconds_text(one.seconds)}  {one.spread}" for one in panel], width=width, row=row
    )
    for slow in (True, False):
        places = [place for place, one in enumerate(panel) if _is_slow(one, half) == slow]
        figure.add_bar(
            row=row,
            col=1,
            orientation="h",
            y=places,
            x=[panel[place].seconds for place in places],
            width=BAR,
            marker={"color": RAN if slow else CACHED, "pattern": hatched(slow), "line": {"width": 0}},
            text=[f"<b>{seconds_text(panel[place].seconds)}</b>  {panel[place].spread}" for place in places],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    label_rows(figure, [short(one.strategy) for one in panel], row=row)


def _longest(measured: Sequence[Measurement]) -> int:
    """The letters of the longest text beside a bar: `7 min 52 s  5 min 40 s to 10 min 4 s`."""
    return max((len(f"{seconds_text(one.seconds)}  {one.spread}") for one in measured), default=0)


def _is_slow(one: Measurement, half: float | None) -> bool:
    """It took half of a cold build; where no cold build says how long that is, it ran anything at all."""
    if half is None:
        return any(step.ran for build in one.builds for step in build.instructions)
    return one.seconds >= half


def _ends(seconds: Sequence[float]) -> tuple[float, float]:
    """Where a time axis begins and ends."""
    return min(seconds, default=1) / DECADES, max(seconds, default=1)


def scale(figure: go.Figure, seconds: Sequence[float], low: float, high: float) -> bool:
    """A time axis from `low` to `high`, or from zero; True when the values lie so far apart that it is logarithmic."""
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


def _finding(shown: list[list[Measurement]], measured: Sequence[Measurement]) -> str:
    pairs = [_ends_of(panel) for panel in shown if len(panel) > 1]
    if not pairs:
        if shown:
            return message("One strategy was built: build another one to compare")
        return message("Nothing was built yet")
    apart = [panel for panel in shown if len(panel) > 1 and is_beyond_spread(*_ends_of(panel), measured)]
    if not apart:
        one, other = max(pairs, key=lambda pair: abs(_share_that_ran(pair[0]) - _share_that_ran(pair[1])))
        return message(
            "{edit}: {first}, {second}",
            edit=capital(edit_words(one.edit)),
            first=steps_that_ran_with(one.builds[-1], one.strategy),
            second=steps_that_ran_with(other.builds[-1], other.strategy),
        )
    panel = max(apart, key=lambda panel: _ends_of(panel)[0].seconds / _ends_of(panel)[1].seconds)
    slow, fast = slowest(panel, measured), quickest(panel, measured)
    return message(
        "{edit}: {first}, {second}",
        edit=capital(edit_words(panel[0].edit)),
        first=_seconds_with(slow),
        second=_seconds_with(fast),
    )


def _seconds_with(alike: list[Measurement]) -> str:
    """`26.9 s with naive`, or `25.6 s to 26.9 s with 3 strategies` for those that runs do not tell apart."""
    low, high = (seconds_text(pick(one.seconds for one in alike)) for pick in (min, max))
    names = listed([one.strategy for one in alike])
    if len(alike) > 2:
        names = plural("{count} strategy", "{count} strategies", len(alike))
    if low == high:
        return message("{seconds} with {strategies}", seconds=low, strategies=names)
    return message("{low} to {high} with {strategies}", low=low, high=high, strategies=names)


def _ends_of(panel: list[Measurement]) -> tuple[Measurement, Measurement]:
    """The slowest and the quickest."""
    return max(panel, key=lambda one: one.seconds), min(panel, key=lambda one: one.seconds)


def _share_that_ran(one: Measurement) -> float:
    ran, steps = count_steps(one.builds[-1])
    return ran / max(steps, 1)


def _table(measured: list[Measurement]) -> Frame:
    columns = ["strategy", "edit", "median_seconds", "low_seconds", "high_seconds", "runs"]
    rows = [
        [one.strategy, one.edit, one.seconds, min(seconds), max(seconds), len(seconds)]
        for one, seconds in ((one, [build.seconds for build in one.builds]) for one in measured)
    ]
    return Frame(rows, columns=columns)
