"""Figure of imported builds: the seconds of each, those of its caches, and the share of its steps that was cached."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from speedkit.data_frame import Frame
from speedkit.messages import clauses, message, plural
from speedkit.words import seconds_text

from .plot import Plot
from .style import GRID, OWN, RAN, finish, plain, short

if TYPE_CHECKING:
    from speedkit.build_records import BuildCost, ImportedRecords

__all__ = ["imported_builds"]

PANELS_PIXELS = 420
FILLS = {RAN: "rgba(179,71,0,.15)", OWN: "rgba(0,120,90,.25)"}
MOST_BUILDS = 400
"""A figure has no more columns of pixels."""


def imported_builds(records: ImportedRecords) -> Plot:
    """A column for each build, the oldest at the left: its seconds above, its cached share below.

    The seconds of exporting and importing caches are the lower part of a column. A build whose record has no seconds, or no
    step that can be cached, has no mark there. The last 400 builds are shown.
    """
    costs = records.costs[-MOST_BUILDS:]
    hover = [plain(_hover(cost)).replace("\n", "<br>") for cost in costs]
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.08, row_heights=[2, 1])
    _add_steps(figure, [cost.seconds for cost in costs], RAN, hover, row=1)
    _add_steps(figure, [_cache_seconds(cost) for cost in costs], OWN, hover, row=1)
    shares = [None if cost.cached_share is None else 100 * cost.cached_share for cost in costs]
    _add_steps(figure, shares, OWN, hover, row=2)
    finish(
        figure,
        title=_finding(records),
        measured=_measured(records, len(costs)),
        plot_pixels=PANELS_PIXELS,
        left=6,
        right_pixels=44,
    )
    longest = max((cost.seconds for cost in costs if cost.seconds is not None), default=0.0)
    figure.update_yaxes(gridcolor=GRID)
    figure.update_yaxes(title_text=message("seconds"), range=[0, longest * 1.08 or 1], row=1, col=1)
    figure.update_yaxes(title_text=message("cached, %"), range=[0, 104], row=2, col=1)
    figure.update_xaxes(showgrid=False, range=[0, len(costs) or 1], **_ticks(costs))
    rows = [
        [cost.id, cost.started, cost.seconds, cost.export_seconds, cost.import_seconds, cost.cached_steps, cost.cacheable_steps]
        for cost in costs
    ]
    columns = ["id", "started", "seconds", "export_seconds", "import_seconds", "cached_steps", "cacheable_steps"]
    return Plot(figure, Frame(rows, columns=columns), rows_shown=10)


def _add_steps(figure: go.Figure, values: Sequence[float | None], colour: str, hover: Sequence[str], *, row: int) -> None:
    """A level for each value, as wide as a column, with a gap where a value is unknown."""
    for has_value, run in groupby(range(len(values)), key=lambda place: values[place] is not None):
        places = list(run)
        if not has_value:
            continue
        # Each level goes on to the next column, so the last one needs an end.
        figure.add_scatter(
            x=[*places, places[-1] + 1],
            y=[*(values[place] for place in places), values[places[-1]]],
            mode="lines",
            line={"color": colour, "width": 2, "shape": "hv"},
            fill="tozeroy",
            fillcolor=FILLS[colour],
            hovertext=[*(hover[place] for place in places), hover[places[-1]]],
            hovertemplate="%{hovertext}<extra></extra>",
            row=row,
            col=1,
        )


def _cache_seconds(cost: BuildCost) -> float | None:
    return None if cost.seconds is None else min(cost.seconds, cost.export_seconds + cost.import_seconds)


def _ticks(costs: Sequence[BuildCost]) -> dict[str, object]:
    """At most eight marks with the day of a build, or its number where the record has no date."""
    step = max(1, -(-len(costs) // 8))
    places = list(range(0, len(costs), step))
    days = [costs[place].started for place in places]
    texts = [str(place + 1) if day is None else day.date().isoformat() for place, day in zip(places, days, strict=True)]
    return {"tickvals": places, "ticktext": texts}


def _hover(cost: BuildCost) -> str:
    seconds = message("unknown") if cost.seconds is None else seconds_text(cost.seconds)
    cached = "?" if cost.cached_steps is None else cost.cached_steps
    steps = message("{seconds}; {cached} of {count} steps cached", seconds=seconds, cached=cached, count=cost.cacheable_steps)
    parts = [cost.id, steps]
    if cost.export_seconds or cost.import_seconds:
        exported, imported = seconds_text(cost.export_seconds), seconds_text(cost.import_seconds)
        parts.append(message("caches: {exported} to export, {imported} to import", exported=exported, imported=imported))
    return "\n".join(parts)


def _finding(records: ImportedRecords) -> str:
    slower = records.slower_step
    if slower is not None:
        return message(
            "{step} got slower: {before} in the first half of the builds, {after} in the second",
            step=short(slower.text, 40),
            before=seconds_text(slower.before_seconds),
            after=seconds_text(slower.after_seconds),
        )
    shares = [cost.cached_share for cost in records.costs if cost.cached_share is not None]
    if not shares:
        return message("No record has a step that can be cached")
    return message(
        "Half of the builds had {percent} % or more of their steps in the cache", percent=round(100 * median(shares))
    )


def _measured(records: ImportedRecords, shown: int) -> str:
    parts = [plural("{count:,} imported build", "{count:,} imported builds", shown), message("one run each")]
    if unknown := sum(cost.seconds is None for cost in records.costs):
        parts.append(plural("{count:,} without seconds", "{count:,} without seconds", unknown))
    parts.append(message("the lower part of a column is exporting and importing caches"))
    return clauses(parts)
