"""Logs as safe text and HTML: colours of ANSI escape sequences become spans, everything else is escaped.

`page.log_lines` does the same line by line, for logs that grow.
"""

from __future__ import annotations

import re

from .html_text import html_text

__all__ = ["ansi_to_html", "plain_log"]

# Control sequences (ECMA-48 5.4) with their parameters and last character, operating system commands such as window titles,
# and other escapes.
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
    """A log without escape sequences and control characters. Of a line that was overwritten, only its last state is left."""
    return CONTROL.sub("", _last_states(ESCAPE.sub("", text)))


def _last_states(text: str) -> str:
    """Each line from its last carriage return on: a terminal overwrites the text before it, as progress bars do."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def ansi_to_html(text: str) -> str:
    """A log as HTML, with bold and colours as spans. Other escape sequences are dropped, and all text is escaped."""
    parts: list[str] = []
    open_span, end = False, 0
    text = _last_states(text)
    for sequence in ESCAPE.finditer(text):
        parts.append(html_text(CONTROL.sub("", text[end : sequence.start()])))
        end = sequence.end()
        # Only Select Graphic Rendition, which ends with m, says how text looks; others move the cursor or clear the screen.
        if sequence[2] == "m":
            parts.append("</span>" if open_span else "")
            style = _style(sequence[1])
            parts.append(f'<span style="{style}">' if style else "")
            open_span = bool(style)
    parts.append(html_text(CONTROL.sub("", text[end:])))
    return "".join(parts) + ("</span>" if open_span else "")


def _style(codes: str) -> str:
    """The CSS of one Select Graphic Rendition sequence (ECMA-48 8.3.117)."""
    styles = []
    # A log is foreign text: a code of thousands of digits is skipped, as Python would raise an error for it.
    for code in (int(part) for part in codes.split(";") if part.isdecimal() and len(part) <= MOST_DIGITS):
        if code == 1:
            styles.append("font-weight:600")
        # 90 to 97 are the bright variants of the colours 30 to 37.
        elif (colour := COLOURS.get(code - 60 if code >= 90 else code)) is not None:
            styles.append(f"color:{colour}")
    return ";".join(styles)
