"""Where the bytes of an image are: a rectangle for each folder and file, as large as what it holds."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import plotly.graph_objects as go

from speedkit.plots.plot import Plot
from speedkit.plots.style import BASE, finish, plain
from speedkit.rendering import bytes_text

__all__ = ["treemap"]

PLOT_PIXELS = 380
LARGEST = 400


def treemap(rows: Iterable[tuple[str, str, int]]) -> Plot:
    """Files and folders by size.

    rows: (path, parent's path, bytes); a folder's bytes include those of what is in it, the root's parent is "".
    Only the largest are drawn, never one without its folder; the table has all.
    """
    every = list(rows)
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
            marker={"colors": [BASE] * len(drawn), "line": {"color": "rgba(255,255,255,.8)", "width": 1}},
            textinfo="label+text",
            textfont={"color": "#111111"},
            hovertext=[f"{plain(path)}<br>{bytes_text(size)}" for path, _, size in drawn],
            hoverinfo="text",
        )
    )
    finish(
        figure,
        title=_finding(every),
        measured="size of files and folders" + ("" if len(drawn) == len(every) else f", the {len(drawn)} largest drawn"),
        plot_pixels=PLOT_PIXELS,
        left=0,
        right_pixels=16,
        below_pixels=16,
    )
    return Plot(figure, pd.DataFrame(every, columns=["path", "parent", "size_bytes"]))


def _finding(rows: list[tuple[str, str, int]]) -> str:
    folders = {parent for _, parent, _ in rows}
    files = [row for row in rows if row[0] not in folders]
    total = sum(size for _, parent, size in rows if not parent)
    if not files or not total:
        return "There is nothing in it"
    path, _, size = max(files, key=lambda row: row[2])
    return f"{bytes_text(size)} of {bytes_text(total)} are one file: {path}"
