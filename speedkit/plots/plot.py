"""A figure together with its table, shown both in a notebook."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

__all__ = ["PLOTLY_MIME", "Plot"]

PLOTLY_MIME = "application/vnd.plotly.v1+json"

# Text that plotly draws follows the page; labels inside bars keep the colour that fits the bar.
FOLLOW_THEME = """<style>
.js-plotly-plot .xtick text,.js-plotly-plot .ytick text,.js-plotly-plot .g-gtitle text,.js-plotly-plot .xtitle,
.js-plotly-plot .ytitle,.js-plotly-plot .bartext-outside,.js-plotly-plot .textpoint text,.js-plotly-plot .annotation-text{
fill:var(--jp-content-font-color1,var(--fg,#1f2328))!important}
.sk-table td,.sk-table th{text-align:right;padding:2px 10px;font-variant-numeric:tabular-nums}
.sk-table td.left,.sk-table th.left{text-align:left}
</style>"""


@dataclass(frozen=True)
class Plot:
    """A figure and the values it shows."""

    figure: go.Figure
    table: pd.DataFrame

    @property
    def title(self) -> str:
        """The finding, as plain text."""
        return str(self.figure.layout.title.text)

    @property
    def measured(self) -> str:
        """How the values came about."""
        return str(self.figure.layout.title.subtitle.text)

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        display({PLOTLY_MIME: json.loads(self.figure.to_json()), "text/plain": self.title}, raw=True)
        display(HTML(self.table_html()))

    def table_html(self) -> str:
        """The table as HTML, values rounded for reading; nothing in a cell is taken as markup."""
        shown = self.table.copy()
        html = shown.to_html(index=False, border=0, classes="sk-table", float_format=_three_digits, na_rep="", escape=True)
        return f"{FOLLOW_THEME}<details open><summary>The same as a table</summary>{html}</details>"


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
