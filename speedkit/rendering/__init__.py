"""Builds and images as plain HTML and plain text; everything that came from outside is escaped."""

from __future__ import annotations

from .ansi import ansi_to_html, plain_log
from .boxes import Box, nested_boxes
from .build_steps import build_html
from .html_text import html_attributes, html_text
from .layers_table import LayerRow, changes_text, command_text, layers_table_html
from .mathjax import NOT_MATH
from .reasons_html import Reason, reasons_html, warnings_html
from .tables import FACTS_STYLE, Cell, Table, table_html

__all__ = [
    "FACTS_STYLE",
    "NOT_MATH",
    "Box",
    "Cell",
    "LayerRow",
    "Reason",
    "Table",
    "ansi_to_html",
    "build_html",
    "changes_text",
    "command_text",
    "html_attributes",
    "html_text",
    "layers_table_html",
    "nested_boxes",
    "plain_log",
    "reasons_html",
    "table_html",
    "warnings_html",
]
