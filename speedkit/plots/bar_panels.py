"""Bars in panels above each other: a heading for each panel, one time scale and one thickness of bars for all."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .style import ROW, plain

__all__ = ["HEADING", "label_rows", "panels"]

HEADING = 40


def panels(rows: Sequence[int], headings: Sequence[str]) -> tuple[go.Figure, int]:
    """An empty figure with a panel for each number of rows, and its height in pixels without margins.

    headings: one for each panel, or none at all.
    """
    # A panel without bars keeps the height of one row.
    counts = [max(count, 1) for count in rows] or [1]
    pixels = ROW * sum(counts) + HEADING * (len(counts) - 1)
    spacing = HEADING / pixels if len(counts) > 1 else 0
    figure = make_subplots(rows=len(counts), shared_xaxes=True, vertical_spacing=spacing, row_heights=counts)
    # Annotations at the left: `make_subplots` would centre its own titles.
    for number, text in enumerate(headings, 1):
        top = figure.layout[f"yaxis{number if number > 1 else ''}"].domain[1]
        figure.add_annotation(
            x=0,
            y=top,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            yshift=3,
            text=plain(text),
        )
    return figure, pixels


def label_rows(figure: go.Figure, labels: Sequence[str], *, row: int = 1) -> None:
    """Put names at the rows of a panel, the first one at the top."""
    figure.layout["yaxis" if row == 1 else f"yaxis{row}"].update(
        tickvals=list(range(len(labels))),
        ticktext=[plain(label) for label in labels],
        range=[max(len(labels), 1) - 0.5, -0.5],  # from high to low: plotly counts from the bottom
        showgrid=False,
    )
