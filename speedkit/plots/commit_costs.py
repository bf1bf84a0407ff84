"""How the cost of a replayed history is spread over its commits: how many commits take how many seconds."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import inf
from statistics import median
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.messages import message, plural
from speedkit.text_width import letters
from speedkit.words import seconds_text

from .bar_panels import label_rows
from .history_cost import measured_words
from .plot import Plot
from .style import BAR, RAN, ROW, finish, hatched, plain

if TYPE_CHECKING:
    from speedkit.replays import Replay

__all__ = ["commit_costs"]

_BOUNDS = (0.0, 1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, inf)
"""Seconds. Each range is about three times as long as the one before: builds are seconds or minutes, seldom between."""


def commit_costs(replay: Replay) -> Plot:
    """How many commits take how long; where seconds are not known, how many run how many steps."""
    timed = replay.model is not None
    names, counts = _ranges_of_seconds(replay) if timed else _numbers_of_steps(replay)
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=list(range(len(names))),
        x=counts,
        width=BAR,
        marker={"color": RAN, "pattern": hatched(True), "line": {"width": 0}},
        text=[f"{count:,}" for count in counts],
        textposition="outside",
        cliponaxis=False,
        hovertext=[
            plain(f"{name}: {plural('{count:,} commit', '{count:,} commits', count)}")
            for name, count in zip(names, counts, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    finish(
        figure,
        title=_finding(replay),
        measured=measured_words(replay, message("one build for each commit")),
        plot_pixels=ROW * max(len(names), 1),
        left=max(map(letters, names), default=0),
    )
    label_rows(figure, names)
    figure.update_xaxes(title_text=message("commits"), range=[0, max(counts, default=0) * 1.02 or 1])
    head = "seconds_range" if timed else "steps"
    return Plot(figure, Frame(list(zip(names, counts, strict=True)), columns=[head, "commits"]))


def _ranges_of_seconds(replay: Replay) -> tuple[list[str], list[int]]:
    """The ranges from the shortest build to the longest, and how many commits are in each."""
    seconds = [one.seconds for one in replay.commits if one.seconds is not None]
    counts = [sum(low <= one < high for one in seconds) for low, high in pairwise(_BOUNDS)]
    used = [place for place, count in enumerate(counts) if count]
    shown = range(used[0], used[-1] + 1) if used else range(0)
    return [_range_text(_BOUNDS[place], _BOUNDS[place + 1]) for place in shown], [counts[place] for place in shown]


def _range_text(low: float, high: float) -> str:
    if high == inf:
        return message("{seconds} or more", seconds=seconds_text(low))
    if not low:
        return message("less than {seconds}", seconds=seconds_text(high))
    return message("{low} to {high}", low=seconds_text(low), high=seconds_text(high))


def _numbers_of_steps(replay: Replay) -> tuple[list[str], list[int]]:
    counts = Counter(len(one.verdicts.ran) for one in replay.commits if one.trouble is None)
    shown = range(min(counts), max(counts) + 1) if counts else range(0)
    return [plural("{count:,} step", "{count:,} steps", number) for number in shown], [counts[number] for number in shown]


def _finding(replay: Replay) -> str:
    if replay.model is None:
        numbers = [len(one.verdicts.ran) for one in replay.commits if one.trouble is None]
        if not numbers:
            return message("No commit can be built")
        return message("Half of the commits run {steps:.0f} steps or more", steps=median(numbers))
    seconds = [one.seconds for one in replay.commits if one.seconds is not None]
    if not seconds:
        return message("No commit can be built")
    return message("Half of the commits take {seconds} or more", seconds=seconds_text(median(seconds)))
