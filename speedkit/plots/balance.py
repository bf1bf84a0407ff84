"""What a quick rebuild costs in size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.model import Build
from speedkit.plots.measuring import (
    COLD,
    NONE,
    HasBuilds,
    Measured,
    builds_of,
    comparable,
    measure,
    quickest,
    said,
    smallest,
)
from speedkit.plots.plot import Plot
from speedkit.plots.rebuild import scale
from speedkit.plots.style import GRID, OWN, capital, finish, notes, plain, runs_note
from speedkit.words.amounts import bytes_text, count_steps, seconds_text

__all__ = ["size_vs_rebuild"]

PLOT_PIXELS, PLOT_WIDTH, RIGHT = 270, 520, 90
ROUNDS = 3
LETTER, LINE = 7.4, 18
PLACES = {
    "top center": (-0.5, -1.2),
    "bottom center": (-0.5, 1.2),
    "middle right": (0.0, 0.0),
    "middle left": (-1.0, 0.0),
    "top right": (0.0, -1.2),
    "bottom right": (0.0, 1.2),
    "top left": (-1.0, -1.2),
    "bottom left": (-1.0, 1.2),
}


def size_vs_rebuild(source: HasBuilds | Sequence[Build], edit: str | None = None) -> Plot:
    """Image size against rebuild time after one edit: the nearer to the lower left corner, the better.

    edit: None takes the one under which the most strategies were built.
    """
    sized = [one for one in measure(comparable(builds_of(source))) if one.builds[-1].image_bytes]
    chosen = edit if edit is not None else _most_built(sized)
    measured = [one for one in sized if one.edit == chosen]
    seconds, sizes = [one.seconds for one in measured], [_size(one) / 1e6 for one in measured]
    figure = go.Figure()
    low, high = min(seconds, default=1) / 1.6, max(seconds, default=1) * 1.15
    logarithmic = scale(figure, seconds, low, high)
    top = max(sizes, default=1) * 1.18
    figure.add_scatter(
        x=seconds,
        y=sizes,
        mode="markers+text",
        text=[f"{plain(one.strategy)} {seconds_text(one.seconds)}" for one in measured],
        textposition=_label_places(figure, measured, top),
        marker={"size": 12, "color": OWN, "line": {"color": "rgba(255,255,255,.8)", "width": 1}},
        hovertext=[f"{plain(one.strategy)}: {seconds_text(one.seconds)}, {bytes_text(_size(one))}" for one in measured],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )
    finish(
        figure,
        title=_finding(measured, measure(comparable(builds_of(source)))),
        measured="; ".join(filter(None, [_how(measured), notes([build for one in measured for build in one.builds])])),
        plot_pixels=PLOT_PIXELS,
        left=5,
        right_pixels=RIGHT,
    )
    figure.update_xaxes(title_text=f"seconds to rebuild, {plain(said(chosen))}{', a logarithmic scale' if logarithmic else ''}")
    figure.update_yaxes(title_text="image, MB", range=[0, top], gridcolor=GRID, title_font={"size": 13})
    return Plot(figure, Frame({"strategy": [one.strategy for one in measured], "seconds": seconds, "image_mb": sizes}))


def _size(one: Measured) -> int:
    return one.builds[-1].image_bytes or 0


def _how(measured: Sequence[Measured]) -> str:
    return f"rebuild time, {runs_note([len(one.builds) for one in measured])}, and size of the image"


def _most_built(measured: Sequence[Measured]) -> str:
    """The edit under which the most strategies were built; real edits before none; of equals, what runs more."""
    edits = [one.edit for one in measured]
    worked = [one.edit for one in measured if count_steps(one.builds[-1])[0]]
    return max(edits, key=lambda edit: (edit not in (COLD, NONE), edits.count(edit), worked.count(edit)), default=NONE)


def _finding(candidates: Sequence[Measured], measured: Sequence[Measured]) -> str:
    """Who is quickest, where runs tell it, and whose image is smallest."""
    if not candidates:
        return "Nothing was built yet"
    if len(candidates) == 1:
        return f"{candidates[0].strategy} was built: {seconds_text(candidates[0].seconds)}, {bytes_text(_size(candidates[0]))}"
    small = smallest([one.builds[-1] for one in candidates])
    size = bytes_text(small[0].image_bytes or 0)
    is_smallest = f"{_names([build.strategy for build in small])} the smallest ({size})"
    quick = quickest(candidates, measured)
    if len(quick) == len(candidates):
        return f"{capital(is_smallest)}; whose rebuild is quicker, these runs do not tell"
    if len(quick) > 1:
        return f"{capital(_names([one.strategy for one in quick]))} the quickest, {is_smallest}"
    if [quick[0].strategy] == [build.strategy for build in small]:
        return f"{quick[0].strategy} is both the quickest and the smallest: {seconds_text(quick[0].seconds)}, {size}"
    return f"{quick[0].strategy} is the quickest ({seconds_text(quick[0].seconds)}), {is_smallest}"


def _names(strategies: Sequence[str]) -> str:
    """One or two names or how many there are, with the verb: `naive is`, `7 strategies are`."""
    if len(strategies) == 1:
        return f"{strategies[0]} is"
    return f"{' and '.join(strategies) if len(strategies) == 2 else f'{len(strategies)} strategies'} are"


def _label_places(figure: go.Figure, measured: Sequence[Measured], top: float) -> list[str]:
    """Where each label stands so that none covers another one or a point; estimated for a narrow page."""
    axis = figure.layout.xaxis
    along = math.log10 if axis.type == "log" else float
    low, high = axis.range
    points = [
        ((along(one.seconds) - low) / (high - low) * PLOT_WIDTH, (1 - _size(one) / 1e6 / top) * PLOT_PIXELS) for one in measured
    ]
    beside = [(-PLOT_WIDTH, 0, 0, PLOT_PIXELS), (PLOT_WIDTH + RIGHT, 0, 2 * PLOT_WIDTH, PLOT_PIXELS)]
    taken = [*beside, *((x - 8, y - 8, x + 8, y + 8) for x, y in points)]
    widths = [LETTER * len(f"{one.strategy} {seconds_text(one.seconds)}") for one in measured]
    boxes = [
        {name: _box(x, y, width, shift) for name, shift in PLACES.items()} for (x, y), width in zip(points, widths, strict=True)
    ]
    chosen: dict[int, str] = {}
    # What was chosen first knew nothing of those that came later: it is chosen again.
    for _ in range(ROUNDS):
        for place, own in enumerate(boxes):
            others = [*taken, *(boxes[other][name] for other, name in chosen.items() if other != place)]
            chosen[place] = min(own, key=lambda name: sum(_overlap(own[name], other) for other in others))
    return list(chosen.values())


def _box(x: float, y: float, width: float, shift: tuple[float, float]) -> tuple[float, float, float, float]:
    aside = 12 if shift[0] == 0 else -12 if shift[0] == -1 else 0
    left, middle = x + shift[0] * width + aside, y + shift[1] * LINE
    return left, middle - LINE / 2, left + width, middle + LINE / 2


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0)
