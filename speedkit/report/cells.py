"""Cells of executed notebooks as HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from speedkit.plots import PLOTLY_MIME
from speedkit.rendering import ansi_to_html, html_text
from speedkit.visible import visible

__all__ = ["Figures", "cell_html"]

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


class Figures:
    """The figures of a page: each leaves a place in the text, and its data go to the end, where one script draws them all."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def add(self, bundle: Mapping[str, Any]) -> str:
        """The place for a figure, given in the formats a notebook keeps; its drawing stands there until a script draws it."""
        described = json.dumps(bundle[PLOTLY_MIME])
        self._data.append(described)
        height = int(bundle[PLOTLY_MIME].get("layout", {}).get("height") or 0)
        drawing = bundle.get("text/html", "")
        return f'<div class="figure" id="figure-{len(self._data)}" style="min-height:{height}px">{drawing}</div>'

    def as_script(self) -> str:
        """All data as one JSON list that cannot end the script element around it."""
        return f"[{','.join(self._data)}]".replace("<", "\\u003c")


def cell_html(cell: Any, figures: Figures) -> str:
    """A cell: prose, or code with what it gave."""
    if cell.cell_type == "markdown":
        return _prose(cell.source)
    if cell.cell_type != "code" or not cell.source.strip():
        return ""
    outputs = "".join(_output(output, figures) for output in cell.outputs)
    return f'<div class="code">{_highlighted(cell.source)}</div>{outputs}'


def _prose(markdown: str) -> str:
    from nbconvert.filters import markdown2html

    return f'<div class="prose">{markdown2html(visible(markdown))}</div>'


def _highlighted(source: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return str(highlight(visible(source), PythonLexer(), HtmlFormatter(nowrap=False, cssclass="hl")))


def _output(output: Any, figures: Figures) -> str:
    if output.output_type == "stream":
        return f'<pre class="out">{ansi_to_html(output.text)}</pre>'
    if output.output_type == "error":
        return f'<pre class="out">{ansi_to_html(chr(10).join(output.traceback))}</pre>'
    data = output.data
    if WIDGET_MIME in data and "text/html" not in data:
        return ""  # what it shows follows as plain HTML: no kernel answers here
    if PLOTLY_MIME in data:
        return figures.add(data)
    if "text/html" in data:
        return f'<div class="out html">{data["text/html"]}</div>'
    if "image/png" in data:
        return f'<div class="out"><img alt="" src="data:image/png;base64,{html_text(data["image/png"].strip())}"></div>'
    if "text/markdown" in data:
        return _prose(data["text/markdown"])
    return f'<pre class="out">{html_text(data["text/plain"])}</pre>' if "text/plain" in data else ""
