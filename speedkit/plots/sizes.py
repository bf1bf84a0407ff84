"""Image size by layer, what came with the base set apart."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from speedkit.model import Build, ImageLayer
from speedkit.plots.plot import Plot
from speedkit.plots.rebuild import HasBuilds, builds_of
from speedkit.plots.style import BASE, OWN, base_note, finish, short
from speedkit.rendering import bytes_text

__all__ = ["sizes"]

WORTH_A_LABEL = 0.14


def sizes(source: HasBuilds | Sequence[Build]) -> Plot:
    """The newest image of each strategy: its layers side by side, smallest image last."""
    newest = {build.strategy: build for build in builds_of(source) if build.image_bytes}
    builds = sorted(newest.values(), key=lambda build: -(build.image_bytes or 0))
    largest = max((build.image_bytes or 0 for build in builds), default=0)
    figure = go.Figure()
    for build in builds:
        for layer in _joined(build):
            _add_layer(figure, build, layer, largest)
        _add_total(figure, build)
    finish(
        figure,
        title=_finding(builds),
        measured=f"size by layer; grey came with the base image{base_note(builds)}",
        rows=len(builds),
        left=max((len(build.strategy) for build in builds), default=0),
        barmode="stack",
    )
    figure.update_xaxes(title_text="MB", range=[0, largest / 1e6 * 1.12])
    return Plot(figure, _table(builds))


def _joined(build: Build) -> list[ImageLayer]:
    """The layers of the base as one, then the image's own that hold anything."""
    base = sum(layer.size_bytes for layer in build.layers if layer.from_base)
    own = [layer for layer in build.layers if not layer.from_base and layer.size_bytes]
    return ([ImageLayer("base", base, from_base=True)] if base else []) + own


def _add_layer(figure: go.Figure, build: Build, layer: ImageLayer, largest: int) -> None:
    fits = layer.size_bytes > WORTH_A_LABEL * largest
    name = "base" if layer.from_base else short(_command(layer), 24)
    figure.add_bar(
        orientation="h",
        y=[build.strategy],
        x=[layer.size_bytes / 1e6],
        marker={"color": BASE if layer.from_base else OWN, "line": {"color": "rgba(255,255,255,.8)", "width": 1}},
        text=[f"{name} {bytes_text(layer.size_bytes)}" if fits else ""],
        textposition="inside",
        insidetextanchor="end",
        insidetextfont={"color": "#111111" if layer.from_base else "#ffffff"},
        hovertext=[f"{_command(layer)}<br>{bytes_text(layer.size_bytes)}"],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _command(layer: ImageLayer) -> str:
    """What made a layer, without the shell around it and BuildKit's remark."""
    text = layer.command.removesuffix("# buildkit").replace("/bin/sh -c", "").strip()
    return " ".join(text.split()).replace("<", "&lt;")


def _add_total(figure: go.Figure, build: Build) -> None:
    size = build.image_bytes or 0
    figure.add_annotation(
        x=size / 1e6, y=build.strategy, text=f"<b>{bytes_text(size)}</b>", showarrow=False, xanchor="left", xshift=6
    )


def _finding(builds: list[Build]) -> str:
    if not builds:
        return "Nothing was built yet"
    large, small = builds[0], builds[-1]
    if len(builds) == 1:
        return f"{large.strategy}: {bytes_text(large.image_bytes or 0)}"
    first, last = (bytes_text(build.image_bytes or 0) for build in (large, small))
    return f"{first} with {large.strategy}, {last} with {small.strategy}"


def _table(builds: list[Build]) -> pd.DataFrame:
    columns = ["strategy", "layer", "from_base", "size_bytes"]
    rows = [[build.strategy, layer.command, layer.from_base, layer.size_bytes] for build in builds for layer in build.layers]
    return pd.DataFrame(rows, columns=columns)
