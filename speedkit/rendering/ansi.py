"""Logs made safe to show: colours of ANSI escape sequences as HTML, everything else escaped."""

from __future__ import annotations

import re

from .html_text import html_text

__all__ = ["ansi_to_html", "plain_log"]

ESCAPE = re.compile(r"\x1b(?:\[([0-9;?]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]?)")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MOST_DIGITS = 3
COLOURS = {
    31: "var(--sk-bad,#b3261e)",
    32: "var(--sk-ok,#00664a)",
    33: "var(--sk-run,#B34700)",
    34: "var(--sk-hit,#0072B2)",
    35: "var(--sk-hit,#0072B2)",
    36: "var(--sk-hit,#0072B2)",
}


def plain_log(text: str) -> str:
    """A log without escape sequences and control characters; a line that was drawn over shows its last state."""
    return CONTROL.sub("", _last_states(ESCAPE.sub("", text)))


def _last_states(text: str) -> str:
    """Of each line what stands behind its last carriage return, as a terminal draws over what stood there."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def ansi_to_html(text: str) -> str:
    """A log as HTML: bold and colours kept as spans, all else escaped or dropped."""
    parts: list[str] = []
    open_span, end = False, 0
    text = _last_states(text)
    for found in ESCAPE.finditer(text):
        parts.append(html_text(CONTROL.sub("", text[end : found.start()])))
        end = found.end()
        if found[2] == "m":
            parts.append("</span>" if open_span else "")
            style = _style(found[1])
            parts.append(f'<span style="{style}">' if style else "")
            open_span = bool(style)
    parts.append(html_text(CONTROL.sub("", text[end:])))
    return "".join(parts) + ("</span>" if open_span else "")


def _style(codes: str) -> str:
    """The CSS of one Select Graphic Rendition sequence (ECMA-48 8.3.117)."""
    styles = []
    for code in (int(part) for part in codes.split(";") if part.isdecimal() and len(part) <= MOST_DIGITS):
        if code == 1:
            styles.append("font-weight:600")
        elif (colour := COLOURS.get(code - 60 if code >= 90 else code)) is not None:
            styles.append(f"color:{colour}")
    return ";".join(styles)
