"""A figure together with the table of its values; a notebook shows both."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
import plotly.graph_objects as go

from speedkit.control_characters import visible_line
from speedkit.text_width import HAN

from .svg_drawing import drawing
from .tables import table_html

__all__ = ["PLOTLY_MIME", "Plot"]

PLOTLY_MIME = "application/vnd.plotly.v1+json"

# The figure's own text has one grey for all themes (`style.TEXT`). Where this stylesheet is let through, the page's text colour
# replaces it; labels inside bars keep the colour that fits the bar.
FOLLOW_THEME = """<style>
.js-plotly-plot [class$=tick] text,.js-plotly-plot .g-gtitle text,.js-plotly-plot [class$=title],
.js-plotly-plot .bartext-outside,.js-plotly-plot .textpoint text,.js-plotly-plot .annotation-text,
.js-plotly-plot .treemaplayer text{
fill:var(--jp-content-font-color1,var(--fg,#1f2328))!important}
</style>"""


@dataclass(frozen=True)
class Plot:
    """A figure and the values it shows.

    rows_shown: how many rows of the table are shown beside the figure, None for all. heads: the heads of the columns that are
    named for edits, in the reader's language; the names of columns are the same in every language.

    A notebook gets plotly's own format, which JupyterLab draws with tooltips, and an SVG drawing of the same figure, which
    needs no script and no network. Exported pages and viewers that do not know plotly show the drawing.
    """

    figure: go.Figure
    table: pd.DataFrame
    rows_shown: int | None = None
    heads: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The finding, as plain text."""
        return _unmarked(self.figure.layout.title.text)

    @property
    def measured(self) -> str:
        """The line on how the values were measured, as plain text."""
        return _unmarked(self.figure.layout.title.subtitle.text)

    @property
    def bundle(self) -> dict[str, object]:
        """The figure in every format that a notebook keeps, by MIME type."""
        return {
            PLOTLY_MIME: json.loads(self.figure.to_json()),
            "text/html": drawing(self.figure),
            "text/plain": visible_line(f"{self.title} ({self.measured})"),
        }

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        display(self.bundle, raw=True)
        display(HTML(self.table_html()))

    def table_html(self) -> str:
        """The table as HTML, folded, values rounded for reading, every cell escaped."""
        return FOLLOW_THEME + table_html(self.table, self.measured, rows_shown=self.rows_shown, heads=self.heads)


def _unmarked(text: str) -> str:
    """Plotly text as plain text: line breaks become spaces, except between Chinese; escapes are undone."""
    text = re.sub(rf"(?<=[{HAN}])<br>(?=[{HAN}])", "", text)
    return text.replace("<br>", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
