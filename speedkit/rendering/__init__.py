"""Builds as plain HTML and plain text; everything that came from outside is escaped."""

from speedkit.rendering.amounts import bytes_text, seconds_text
from speedkit.rendering.ansi import ansi_to_html, plain_log
from speedkit.rendering.reasons_html import Reason, reasons_html
from speedkit.rendering.steps_html import build_html

__all__ = ["Reason", "ansi_to_html", "build_html", "bytes_text", "plain_log", "reasons_html", "seconds_text"]
