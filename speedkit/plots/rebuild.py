"""How long a rebuild takes, by strategy and edit, and what it costs in size."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from speedkit.model import Build
from speedkit.plots.plot import Plot
from speedkit.plots.style import CACHED, RAN, base_note, finish, runs_note
from speedkit.rendering import bytes_text, seconds_text

__all__ = ["HasBuilds", "Measured", "builds_of", "measure", "rebuild", "size_vs_rebuild"]

LOG_FROM = 20
EDITS = {
    "none": "nothing changed",
    "touch": "a file touched",
    "comment": "a comment added",
    "rename-field": "a field renamed",
    "readme": "the README edited",
    "add-dependency": "a dependency added",
    "break": "a compile error",
    "cold": "nothing cached",
}
COLD = "cold"
NONE = "none"


class HasBuilds(Protocol):
    """A comparison, or whatever else holds builds."""

    @property
    def builds(self) -> tuple[Build, ...]: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """All runs of one strategy under one edit."""

    strategy: str
    edit: str
    builds: tuple[Build, ...]

    @property
    def seconds(self) -> float:
        return statistics.median(build.seconds for build in self.builds)

    @property
    def spread(self) -> str:
        """The range of the runs; nothing for a single one."""
        if len(self.builds) < 2:
            return ""
        low, high = min(b.seconds for b in self.builds), max(b.seconds for b in self.builds)
        return f"{seconds_text(low)} to {seconds_text(high)}"

    @property
    def compiles(self) -> bool:
        """More than one step of the build ran for more than a tenth of the time, or one for most of it."""
        return any(step.ran and step.seconds > 5 for step in self.builds[0].instructions)


def builds_of(source: HasBuilds | Sequence[Build]) -> list[Build]:
    """The builds that went well, of a comparison or a list."""
    builds = source if isinstance(source, Sequence) else source.builds
    return [build for build in builds if build.ok]


def measure(source: HasBuilds | Sequence[Build]) -> list[Measured]:
    """The builds by strategy and edit, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Build]] = {}
    for build in builds_of(source):
        groups.setdefault((build.strategy, build.edit), []).append(build)
    return [Measured(strategy, edit, tuple(builds)) for (strategy, edit), builds in groups.items()]


def rebuild(source: HasBuilds | Sequence[Build]) -> Plot:
    """Rebuild time of every strategy, a panel per edit; the finding is the edit that tells them apart most."""
    measured = [one for one in measure(source) if one.edit not in (COLD, NONE)] or measure(source)
    edits = list(dict.fromkeys(one.edit for one in measured))
    panels = [sorted((one for one in measured if one.edit == edit), key=lambda one: -one.seconds) for edit in edits]
    figure = make_subplots(
        rows=max(len(edits), 1),
        shared_xaxes=True,
        vertical_spacing=min(0.14, 0.5 / max(len(edits), 1)),
        row_heights=[len(panel) + 1 for panel in panels] or None,
        subplot_titles=[EDITS.get(edit, edit) for edit in edits] if len(edits) > 1 else None,
    )
    for row, panel in enumerate(panels, 1):
        _add_panel(figure, panel, row)
    _scale(figure, [one.seconds for one in measured])
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    figure.update_xaxes(title_text="seconds", row=max(len(edits), 1), col=1)
    finish(
        figure,
        title=_finding(panels),
        measured=f"rebuild after an edit, {runs_note([len(one.builds) for one in measured])}{base_note(builds_of(source))}",
        rows=len(measured) + 2 * max(len(edits) - 1, 0),
        left=max((len(one.strategy) for one in measured), default=0),
    )
    figure.update_layout(margin_r=190)
    return Plot(figure, _table(measured))


def _add_panel(figure: go.Figure, panel: list[Measured], row: int) -> None:
    figure.add_bar(
        row=row,
        col=1,
        orientation="h",
        y=[one.strategy for one in panel],
        x=[one.seconds for one in panel],
        marker={
            "color": [RAN if one.compiles else CACHED for one in panel],
            "pattern": {
                "shape": ["/" if one.compiles else "" for one in panel],
                "fgcolor": "rgba(255,255,255,.55)",
                "size": 6,
                "solidity": 0.25,
            },
        },
        text=[f"<b>{seconds_text(one.seconds)}</b>  {one.spread}" for one in panel],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _scale(figure: go.Figure, seconds: list[float]) -> None:
    if seconds and min(seconds) > 0 and max(seconds) / min(seconds) >= LOG_FROM:
        figure.update_xaxes(type="log", dtick=1)


def _finding(panels: list[list[Measured]]) -> str:
    several = [panel for panel in panels if len(panel) > 1]
    if not several:
        return "One strategy was built: build another one to compare" if panels else "Nothing was built yet"
    panel = max(several, key=lambda panel: panel[0].seconds / panel[-1].seconds)
    slow, fast = panel[0], panel[-1]
    what = EDITS.get(slow.edit, slow.edit)
    first, last = seconds_text(slow.seconds), seconds_text(fast.seconds)
    return f"{what[0].upper()}{what[1:]}: {first} with {slow.strategy}, {last} with {fast.strategy}"


def _table(measured: list[Measured]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "strategy": one.strategy,
                "edit": one.edit,
                "median_seconds": one.seconds,
                "low_seconds": min(build.seconds for build in one.builds),
                "high_seconds": max(build.seconds for build in one.builds),
                "runs": len(one.builds),
            }
            for one in measured
        ]
    )


def size_vs_rebuild(source: HasBuilds | Sequence[Build], edit: str = "rename-field") -> Plot:
    """Image size against rebuild time after one edit: the nearer to the corner, the better."""
    measured = [one for one in measure(source) if one.edit == edit and one.builds[-1].image_bytes]
    sizes = [(one.builds[-1].image_bytes or 0) / 1e6 for one in measured]
    seconds = [one.seconds for one in measured]
    figure = go.Figure()
    figure.add_scatter(
        x=seconds,
        y=sizes,
        mode="markers+text",
        text=[one.strategy for one in measured],
        textposition=_label_places(seconds, sizes),
        marker={
            "size": 12,
            "color": [RAN if one.compiles else CACHED for one in measured],
            "symbol": ["square" if one.compiles else "circle" for one in measured],
        },
        customdata=[[seconds_text(one.seconds), bytes_text(size * 1e6)] for one, size in zip(measured, sizes, strict=True)],
        hovertemplate="%{text}: %{customdata[0]}, %{customdata[1]}<extra></extra>",
        cliponaxis=False,
    )
    _scale(figure, seconds)
    figure.update_xaxes(title_text=f"seconds to rebuild after: {EDITS.get(edit, edit)}")
    title = "Nothing was built yet"
    if measured:
        best = min(zip(measured, sizes, strict=True), key=lambda pair: pair[0].seconds * pair[1])
        title = f"{best[0].strategy} is quick and small: {seconds_text(best[0].seconds)}, {bytes_text(best[1] * 1e6)}"
    finish(
        figure,
        title=title,
        measured=f"{runs_note([len(one.builds) for one in measured])}; square: compiles for long{base_note(builds_of(source))}",
        rows=9,
        left=6,
    )
    figure.update_yaxes(title_text="image, MB", autorange=True, rangemode="tozero", gridcolor="rgba(128,128,128,.3)")
    return Plot(figure, pd.DataFrame({"strategy": [one.strategy for one in measured], "seconds": seconds, "image_mb": sizes}))


def _label_places(xs: list[float], ys: list[float]) -> list[str]:
    """Above or below a point, in turn for points that lie close together."""
    order = sorted(range(len(xs)), key=lambda index: (round(ys[index]), xs[index]))
    turns = ("top center", "bottom center")
    places = {index: turns[place % 2] for place, index in enumerate(order)}
    return [places[index] for index in range(len(xs))]
