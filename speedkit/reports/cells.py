"""Cells of executed notebooks as HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from speedkit.control_characters import visible
from speedkit.plots import PLOTLY_MIME
from speedkit.rendering import ansi_to_html, html_text

__all__ = ["Figures", "cell_html"]

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


class Figures:
    """The figures of a page. Each gets a place in the text; the data of all are at the end of the page, for one script."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def add(self, bundle: Mapping[str, Any]) -> str:
        """The HTML of a figure's place. It has the SVG drawing until a script draws the figure. bundle: by MIME type."""
        self._data.append(json.dumps(bundle[PLOTLY_MIME]))
        # The page must not jump when a script draws the figure.
        height = int(bundle[PLOTLY_MIME].get("layout", {}).get("height") or 0)
        drawing = bundle.get("text/html", "")
        return f'<div class="figure" id="figure-{len(self._data)}" style="min-height:{height}px">{drawing}</div>'

    def as_script(self) -> str:
        """The data of all figures as one JSON list. `<` is escaped, so that no text in it can end the script element."""
        return f"[{','.join(self._data)}]".replace("<", "\\u003c")


def cell_html(cell: Any, figures: Figures) -> str:
    """A cell: prose, or code with its outputs."""
    if cell.cell_type == "markdown":
        return _prose(cell.source)
    if cell.cell_type != "code" or not cell.source.strip():
        return ""
    outputs = "".join(_output(output, figures) for output in cell.outputs)
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    code = highlight(visible(cell.source), PythonLexer(), HtmlFormatter(nowrap=False, cssclass="hl"))
    return f'<div class="code">{code}</div>{outputs}'


def _prose(markdown: str) -> str:
    from nbconvert.filters import markdown2html

    return f'<div class="prose">{markdown2html(visible(markdown))}</div>'


def _output(output: Any, figures: Figures) -> str:
    if output.output_type == "stream":
        return f'<pre class="out">{ansi_to_html(output.text)}</pre>'
    if output.output_type == "error":
        return f'<pre class="out">{ansi_to_html(chr(10).join(output.traceback))}</pre>'
    data = output.data
    if WIDGET_MIME in data and "text/html" not in data:
        return ""  # a widget needs a kernel; the plain HTML of the same content is the next output
    if PLOTLY_MIME in data:
        return figures.add(data)
    if "text/html" in data:
        return f'<div class="out html">{data["text/html"]}</div>'
    if "image/png" in data:
        return f'<div class="out"><img alt="" src="data:image/png;base64,{html_text(data["image/png"].strip())}"></div>'
    if "text/markdown" in data:
        return _prose(data["text/markdown"])
    return f'<pre class="out">{html_text(data["text/plain"])}</pre>' if "text/plain" in data else ""
