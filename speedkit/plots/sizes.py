"""Image sizes as bars made of layers, with the layers of the base image as one part."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.measurements import (
    COLD,
    SAME_SIZE,
    UNCHANGED,
    HasBuilds,
    common_edit,
    edit_words,
    measurable_builds,
    smallest_images,
    sources_words,
)
from speedkit.messages import clauses, facts_in_one, message, plural
from speedkit.model import Build, ImageLayer
from speedkit.rendering import command_text
from speedkit.words import bytes_text

from .bar_panels import label_rows
from .plot import Plot
from .style import BAR, BASE, OWN, ROW, finish, notes, plain, short

__all__ = ["sizes"]

LETTERS_ACROSS = 76
"""The letters that the longest bar has room for on a narrow page."""
FEWEST_LETTERS = 4


def sizes(source: HasBuilds | Sequence[Build]) -> Plot:
    """A bar per strategy: the layers of one of its images side by side, strategies in the order of the other figures.

    The image is the newest after the edit that the most strategies were built after, as other sources give other sizes. A
    strategy without a build after that edit is shown with its newest image.
    """
    with_image = [build for build in measurable_builds(source) if build.image_bytes]
    edit = common_edit(with_image)
    newest = {build.strategy: build for build in with_image}
    builds = list((newest | {build.strategy: build for build in with_image if build.edit == edit}).values())
    largest = max((build.image_bytes or 0 for build in builds), default=1)
    figure = go.Figure()
    for row, build in enumerate(builds):
        base_bytes = sum(layer.size_bytes for layer in build.layers if layer.from_base)
        layers = [layer for layer in build.layers if not layer.from_base and layer.size_bytes]
        if base_bytes:
            # All layers of the base image are one part of the bar, the first one.
            layers.insert(0, ImageLayer(message("base"), base_bytes, from_base=True))
        start = 0
        for layer in layers:
            _add_layer(figure, layer, row=row, start=start, largest=largest)
            start += layer.size_bytes
        figure.add_annotation(
            x=max(start, build.image_bytes or 0) / 1e6,
            y=row,
            text=f"<b>{bytes_text(build.image_bytes or 0)}</b>",
            showarrow=False,
            xanchor="left",
            xshift=6,
        )
    label_rows(figure, [short(build.strategy) for build in builds])
    figure.update_xaxes(title_text=message("MB"), range=[0, largest / 1e6])
    finish(
        figure,
        title=_finding(builds),
        measured=clauses(
            filter(None, [message("size by layer, grey came with the base image"), _sources(builds, edit), notes(builds)])
        ),
        plot_pixels=ROW * max(len(builds), 1),
        left=max((len(build.strategy) for build in builds), default=0),
        right_pixels=100,
        above_pixels=10,
    )
    columns = ["strategy", "layer", "from_base", "size_bytes"]
    rows = [
        [build.strategy, command_text(layer.command), layer.from_base, layer.size_bytes]
        for build in builds
        for layer in build.layers
    ]
    return Plot(figure, Frame(rows, columns=columns))


def _sources(builds: Sequence[Build], edit: str) -> str:
    """The edit that most images were built after, then each strategy whose image was built after another one."""
    parts = [sources_words(edit)] if builds else []
    for build in builds:
        if sources_words(build.edit) == sources_words(edit):
            continue
        if build.edit in (COLD, UNCHANGED):
            parts.append(message("{strategy} built of the files as they were", strategy=build.strategy))
        else:
            parts.append(message("{strategy} built after {edit}", strategy=build.strategy, edit=edit_words(build.edit)))
    return facts_in_one(parts)


def _add_layer(figure: go.Figure, layer: ImageLayer, *, row: int, start: int, largest: int) -> None:
    figure.add_bar(
        orientation="h",
        y=[row],
        base=[start / 1e6],
        x=[layer.size_bytes / 1e6],
        width=BAR,
        marker={"color": BASE if layer.from_base else OWN, "line": {"color": "rgba(255,255,255,.8)", "width": 1}},
        text=[plain(_label(layer, round(LETTERS_ACROSS * layer.size_bytes / largest)))],
        textposition="inside",
        textangle=0,
        insidetextanchor="end",
        insidetextfont={"color": "#111111" if layer.from_base else "#ffffff", "size": 12},
        hovertext=[f"{plain(command_text(layer.command))}<br>{bytes_text(layer.size_bytes)}"],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _label(layer: ImageLayer, letters: int) -> str:
    """The layer's command and size, or the size alone, or nothing: what fits into so many letters."""
    size = bytes_text(layer.size_bytes)
    room = letters - len(size) - 2
    if room < FEWEST_LETTERS:
        return size if room >= 0 else ""
    return f"{short(command_text(layer.command), room)} {size}"


def _finding(builds: list[Build]) -> str:
    if not builds:
        return message("Nothing was built yet")
    if len(builds) == 1:
        return message("{strategy}: {size}", strategy=builds[0].strategy, size=bytes_text(builds[0].image_bytes or 0))
    small = sorted(smallest_images(builds), key=lambda build: build.image_bytes or 0)
    most = max(build.image_bytes or 0 for build in builds)
    large = [build for build in builds if (build.image_bytes or 0) * SAME_SIZE >= most]
    least, most_text = bytes_text(small[0].image_bytes or 0), bytes_text(most)
    if len(small) == len(builds) and least == most_text:
        return message("All images are the same size: {size}", size=most_text)
    if len(small) == len(builds):
        return message("All images are about the same size: {size}", size=most_text)
    return message(
        "{most} with {large}, {least} with {small}", most=most_text, large=_names(large), least=least, small=_names(small)
    )


def _names(builds: list[Build]) -> str:
    """The one strategy by name, or how many there are."""
    return builds[0].strategy if len(builds) == 1 else plural("{count} strategy", "{count} strategies", len(builds))
