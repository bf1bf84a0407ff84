"""Where the bytes of an image are: a rectangle for each folder and file, as large as what it holds."""

from __future__ import annotations

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.images import Image, largest_file, treemap_rows
from speedkit.messages import message
from speedkit.words import bytes_text

from .plot import Plot
from .style import TEXT, finish, plain

__all__ = ["treemap"]

PLOT_PIXELS = 380
LARGEST = 400
SHADE = "rgba(128,128,128,.1)"
"""A folder lies on the folder that holds it, so what is deeper is darker."""
ROWS_SHOWN = 12
SMALLEST_LETTERS = 11


def treemap(image: Image, *, layer: int | None = None) -> Plot:
    """The files and folders of an image by size, or those that one of its layers stores, counted from 1.

    A folder's bytes include those of what is in it. Only the largest are drawn, never one without its folder; the table has
    more.
    """
    place = None if layer is None else layer - 1
    every = [(row.id, row.parent, row.size_bytes) for row in treemap_rows(image, place=place)]
    drawn = sorted(every, key=lambda row: -row[2])[:LARGEST]
    paths = {path for path, _, _ in drawn}
    drawn = [row for row in drawn if row[1] in paths or not row[1]]
    figure = go.Figure(
        go.Treemap(
            ids=[path for path, _, _ in drawn],
            parents=[parent for _, parent, _ in drawn],
            labels=[plain(path.rstrip("/").rpartition("/")[2] or path) for path, _, _ in drawn],
            values=[size for _, _, size in drawn],
            text=[bytes_text(size) for _, _, size in drawn],
            branchvalues="total",
            marker={"colors": [SHADE] * len(drawn), "line": {"color": "rgba(128,128,128,.6)", "width": 1}},
            textinfo="label+text",
            textfont={"color": TEXT},
            hovertext=[f"{plain(path)}<br>{bytes_text(size)}" for path, _, size in drawn],
            hoverinfo="text",
        )
    )
    finish(
        figure,
        title=_finding(image, place, every[0][2]),
        measured=_measured(image, layer, len(drawn), len(every)),
        plot_pixels=PLOT_PIXELS,
        left=0,
        right_pixels=16,
        below_pixels=16,
    )
    figure.update_layout(uniformtext={"minsize": SMALLEST_LETTERS, "mode": "hide"})
    return Plot(figure, Frame(every, columns=["path", "parent", "size_bytes"]), rows_shown=ROWS_SHOWN)


def _measured(image: Image, layer: int | None, drawn: int, known: int) -> str:
    if layer is None:
        what = message("{image}: files and folders of the final file system by size", image=image.short_name)
    else:
        what = message("{image}: files and folders of what layer {layer} stores by size", image=image.short_name, layer=layer)
    return message("{what}, the {count} largest drawn", what=what, count=drawn) if drawn < known else what


def _finding(image: Image, place: int | None, total: int) -> str:
    largest = largest_file(image, place=place)
    if largest is None or not largest.size_bytes:
        return message("There is nothing in it")
    return message(
        "{size} of {total} are one file: {path}",
        size=bytes_text(largest.size_bytes),
        total=bytes_text(total),
        path=largest.path,
    )
