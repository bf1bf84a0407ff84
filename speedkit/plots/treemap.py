"""Where the bytes of an image are: a rectangle for each folder and file, with an area in proportion to its bytes."""

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
"""The same for all: rectangles lie on each other, so that deeper ones look darker."""
ROWS_SHOWN = 12
SMALLEST_LETTERS = 11


def treemap(image: Image, *, layer: int | None = None) -> Plot:
    """The files and folders of an image by size; with `layer`, those that one of its layers stores.

    layer: its number, the lowest is 1. The bytes of a folder include all that is in it. The figure has the 400 largest, the
    table has more.
    """
    place = None if layer is None else layer - 1
    all_rows = [(row.id, row.parent, row.size_bytes) for row in treemap_rows(image, place=place)]
    drawn = sorted(all_rows, key=lambda row: -row[2])[:LARGEST]
    # Plotly places a rectangle inside its parent, so one whose parent is not drawn goes, too.
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
    largest = largest_file(image, place=place)
    title = message("There is nothing in it")
    if largest is not None and largest.size_bytes:
        # The first row is the root, whose bytes are those of all files.
        title = message(
            "{size} of {total} are one file: {path}",
            size=bytes_text(largest.size_bytes),
            total=bytes_text(all_rows[0][2]),
            path=largest.path,
        )
    how = message("{image}: files and folders of the final file system by size", image=image.short_name)
    if layer is not None:
        how = message("{image}: files and folders that layer {layer} stores by size", image=image.short_name, layer=layer)
    if len(drawn) < len(all_rows):
        how = message("{what}, the {count} largest drawn", what=how, count=len(drawn))
    finish(
        figure,
        title=title,
        measured=how,
        plot_pixels=PLOT_PIXELS,
        left=0,
        right_pixels=16,
        below_pixels=16,
    )
    figure.update_layout(uniformtext={"minsize": SMALLEST_LETTERS, "mode": "hide"})
    return Plot(figure, Frame(all_rows, columns=["path", "parent", "size_bytes"]), rows_shown=ROWS_SHOWN)
