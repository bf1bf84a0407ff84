"""Image size against rebuild time: a point for each strategy."""

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
    edit_words,
    measurable_builds,
    measure,
    quickest,
    smallest_images,
)
from speedkit.messages import clauses, join_names, message, plural
from speedkit.model import Build
from speedkit.text_width import letters
from speedkit.words import bytes_text, count_steps, seconds_text

from .plot import Plot
from .rebuild import scale
from .style import GRID, OWN, capital, finish, notes, plain, runs_note

__all__ = ["size_vs_rebuild"]

PLOT_PIXELS, PLOT_WIDTH, RIGHT = 270, 520, 90
ROUNDS = 3
LETTER_PIXELS, LINE_PIXELS = 7.4, 18
LABEL_SHIFTS = {
    "top center": (-0.5, -1.2),
    "bottom center": (-0.5, 1.2),
    "middle right": (0.0, 0.0),
    "middle left": (-1.0, 0.0),
    "top right": (0.0, -1.2),
    "bottom right": (0.0, 1.2),
    "top left": (-1.0, -1.2),
    "bottom left": (-1.0, 1.2),
}
"""Plotly's names for places of a label → its shift from the point: across in widths of the label, down in lines.

The first place without an overlap wins, so the order is that of preference.
"""


def size_vs_rebuild(source: HasBuilds | Sequence[Build], edit: str | None = None) -> Plot:
    """Image size against rebuild time after one edit: the nearer to the lower left corner, the better.

    edit: its name; None takes the edit under which the most strategies were built.
    """
    all_measurements = measure(comparable_builds(measurable_builds(source)))
    with_image = [one for one in all_measurements if one.builds[-1].image_bytes]
    shown_edit = edit if edit is not None else _most_built(with_image)
    measured = [one for one in with_image if one.edit == shown_edit]
    seconds, sizes = [one.seconds for one in measured], [_size(one) / 1e6 for one in measured]
    figure = go.Figure()
    # Room around the outermost points, also for their labels.
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
    runs = runs_note([len(one.builds) for one in measured])
    how = message("rebuild time, {runs}, and size of the image", runs=runs)
    finish(
        figure,
        title=_finding(measured, all_measurements),
        measured=clauses(filter(None, [how, notes([build for one in measured for build in one.builds])])),
        plot_pixels=PLOT_PIXELS,
        left=5,
        right_pixels=RIGHT,
    )
    axis = message("seconds to rebuild, {edit}", edit=edit_words(shown_edit))
    if logarithmic:
        axis = message("seconds to rebuild, {edit}, a logarithmic scale", edit=edit_words(shown_edit))
    figure.update_xaxes(title_text=plain(axis))
    figure.update_yaxes(title_text=message("image, MB"), range=[0, top], gridcolor=GRID, title_font={"size": 13})
    return Plot(figure, Frame({"strategy": [one.strategy for one in measured], "seconds": seconds, "image_mb": sizes}))


def _size(one: Measurement) -> int:
    return one.builds[-1].image_bytes or 0


def _most_built(measured: Sequence[Measurement]) -> str:
    """The edit under which the most strategies were built; of equals, the one under which more of them ran anything.

    A cold build, or one of unchanged files, counts only when there is no other.
    """
    edits = [one.edit for one in measured]
    with_work = [one.edit for one in measured if count_steps(one.builds[-1])[0]]
    return max(
        edits, key=lambda edit: (edit not in (COLD, UNCHANGED), edits.count(edit), with_work.count(edit)), default=UNCHANGED
    )


def _finding(candidates: Sequence[Measurement], measured: Sequence[Measurement]) -> str:
    """The strategy that rebuilds quickest, where runs tell it, and the one with the smallest image."""
    if not candidates:
        return message("Nothing was built yet")
    if len(candidates) == 1:
        return message(
            "{strategy} was built: {seconds}, {size}",
            strategy=candidates[0].strategy,
            seconds=seconds_text(candidates[0].seconds),
            size=bytes_text(_size(candidates[0])),
        )
    builds = smallest_images([one.builds[-1] for one in candidates])
    small, size = [build.strategy for build in builds], bytes_text(builds[0].image_bytes or 0)
    quick = quickest(candidates, measured)
    if len(quick) == len(candidates):
        return plural(
            "{smallest} is the smallest ({size}); these runs do not show which one rebuilds quicker",
            "{smallest} are the smallest ({size}); these runs do not show which one rebuilds quicker",
            len(small),
            smallest=capital(_names(small)),
            size=size,
        )
    if len(quick) > 1:
        return plural(
            "{quickest} are the quickest, {smallest} is the smallest ({size})",
            "{quickest} are the quickest, {smallest} are the smallest ({size})",
            len(small),
            quickest=capital(_names([one.strategy for one in quick])),
            smallest=_names(small),
            size=size,
        )
    strategy, seconds = quick[0].strategy, seconds_text(quick[0].seconds)
    if small == [strategy]:
        return message(
            "{strategy} is both the quickest and the smallest: {seconds}, {size}", strategy=strategy, seconds=seconds, size=size
        )
    return plural(
        "{quickest} is the quickest ({seconds}), {smallest} is the smallest ({size})",
        "{quickest} is the quickest ({seconds}), {smallest} are the smallest ({size})",
        len(small),
        quickest=strategy,
        seconds=seconds,
        smallest=_names(small),
        size=size,
    )


def _names(strategies: Sequence[str]) -> str:
    """One or two strategies by name, or how many there are."""
    if len(strategies) <= 2:
        return join_names(strategies)
    return plural("{count} strategy", "{count} strategies", len(strategies))


def _label_places(figure: go.Figure, measured: Sequence[Measurement], top: float) -> list[str]:
    """A place for each label at which it covers no other label and no point, in plotly's words.

    Pixels are estimated for a narrow page, where labels are closest. top: the end of the size axis, in MB.
    """
    axis = figure.layout.xaxis
    along = math.log10 if axis.type == "log" else float
    low, high = axis.range
    points = [
        ((along(one.seconds) - low) / (high - low) * PLOT_WIDTH, (1 - _size(one) / 1e6 / top) * PLOT_PIXELS) for one in measured
    ]
    # What lies beside the figure counts as occupied: a label would be cut at the figure's edge.
    beside = [(-PLOT_WIDTH, 0, 0, PLOT_PIXELS), (PLOT_WIDTH + RIGHT, 0, 2 * PLOT_WIDTH, PLOT_PIXELS)]
    # A point is 12 pixels wide, and a label keeps 2 pixels away from it.
    occupied = [*beside, *((x - 8, y - 8, x + 8, y + 8) for x, y in points)]
    widths = [LETTER_PIXELS * letters(f"{one.strategy} {seconds_text(one.seconds)}") for one in measured]
    boxes = [
        {name: _box(x, y, width, shift) for name, shift in LABEL_SHIFTS.items()}
        for (x, y), width in zip(points, widths, strict=True)
    ]
    label_place: dict[int, str] = {}
    # The first labels are placed before the later ones are there, so all are placed again, against all others.
    for _ in range(ROUNDS):
        for number, own in enumerate(boxes):
            others = [*occupied, *(boxes[other][name] for other, name in label_place.items() if other != number)]
            label_place[number] = min(own, key=lambda name: sum(_overlap(own[name], other) for other in others))
    return list(label_place.values())


def _box(x: float, y: float, width: float, shift: tuple[float, float]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a label, in pixels. x, y: its point. width: of the label. shift: as in `LABEL_SHIFTS`."""
    aside = 12 if shift[0] == 0 else -12 if shift[0] == -1 else 0
    left, middle = x + shift[0] * width + aside, y + shift[1] * LINE_PIXELS
    return left, middle - LINE_PIXELS / 2, left + width, middle + LINE_PIXELS / 2


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """The area that two boxes share, in square pixels."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0)
