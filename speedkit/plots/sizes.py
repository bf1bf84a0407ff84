"""Image size by layer, what came with the base set apart."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.measurements import (
    COLD,
    NONE,
    SAME_SIZE,
    HasBuilds,
    common_edit,
    edit_words,
    measurable_builds,
    smallest_images,
    sources_words,
)
from speedkit.messages import message, plural
from speedkit.model import Build, ImageLayer
from speedkit.rendering import command_text
from speedkit.words import bytes_text

from .bar_panels import label_rows
from .plot import Plot
from .style import BAR, BASE, OWN, ROW, finish, notes, plain, short

__all__ = ["sizes"]

LETTERS_ACROSS = 76
"""How many letters the longest bar has room for where the page is narrow."""
FEWEST = 4


def sizes(source: HasBuilds | Sequence[Build]) -> Plot:
    """An image of each strategy: its layers side by side, in the order of the other figures.

    It is the newest after the edit that the most strategies have an image of, as other sources give images of other sizes; of a
    strategy that has none after that edit, its newest.
    """
    every = [build for build in measurable_builds(source) if build.image_bytes]
    edit = common_edit(every)
    newest = {build.strategy: build for build in every}
    builds = list((newest | {build.strategy: build for build in every if build.edit == edit}).values())
    largest = max((build.image_bytes or 0 for build in builds), default=1)
    figure = go.Figure()
    for row, build in enumerate(builds):
        start = 0
        for layer in _joined(build):
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
        measured="; ".join(
            filter(None, [message("size by layer, grey came with the base image"), *_sources(builds, edit), notes(builds)])
        ),
        plot_pixels=ROW * max(len(builds), 1),
        left=max((len(build.strategy) for build in builds), default=0),
        right_pixels=100,
        above_pixels=10,
    )
    return Plot(figure, _table(builds))


def _sources(builds: Sequence[Build], edit: str) -> list[str]:
    """After which edit most images were built; those that were built after other ones by name."""
    if not builds:
        return []
    others = [_other_sources(build) for build in builds if sources_words(build.edit) != sources_words(edit)]
    return [", ".join([sources_words(edit), *others])]


def _other_sources(build: Build) -> str:
    if build.edit in (COLD, NONE):
        return message("{strategy} built of the files as they were", strategy=build.strategy)
    return message("{strategy} built after {edit}", strategy=build.strategy, edit=edit_words(build.edit))


def _joined(build: Build) -> list[ImageLayer]:
    """The layers of the base as one, then the image's own that hold anything."""
    base = sum(layer.size_bytes for layer in build.layers if layer.from_base)
    own = [layer for layer in build.layers if not layer.from_base and layer.size_bytes]
    return ([ImageLayer(message("base"), base, from_base=True)] if base else []) + own


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
    """What made the layer and its size, or the size alone, or nothing: as much as there is room for."""
    size = bytes_text(layer.size_bytes)
    room = letters - len(size) - 2
    if room < FEWEST:
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
    """The strategy, or how many of them share a size."""
    return builds[0].strategy if len(builds) == 1 else plural("{count} strategy", "{count} strategies", len(builds))


def _table(builds: list[Build]) -> Frame:
    columns = ["strategy", "layer", "from_base", "size_bytes"]
    rows = [
        [build.strategy, command_text(layer.command), layer.from_base, layer.size_bytes]
        for build in builds
        for layer in build.layers
    ]
    return Frame(rows, columns=columns)
