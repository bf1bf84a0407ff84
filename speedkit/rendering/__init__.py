"""Builds and images as plain HTML and plain text; everything that came from outside is escaped."""

from speedkit.rendering.amounts import bytes_text, count_text, seconds_text, share_text
from speedkit.rendering.ansi import ansi_to_html, plain_log
from speedkit.rendering.boxes import Box, nested_boxes, pack
from speedkit.rendering.layers_html import LayerRow, changes_text, command_text, layers_html
from speedkit.rendering.reasons_html import Reason, reasons_html
from speedkit.rendering.steps_html import build_html

__all__ = [
    "Box",
    "LayerRow",
    "Reason",
    "ansi_to_html",
    "build_html",
    "bytes_text",
    "changes_text",
    "command_text",
    "count_text",
    "layers_html",
    "nested_boxes",
    "pack",
    "plain_log",
    "reasons_html",
    "seconds_text",
    "share_text",
]
