"""The log of one step while it grows, in lines that the page can show.

A step may print 200,000 lines. They are kept here once, as text, and the page asks for the few that it shows; only in those are
escape sequences read. A colour that is set in one line continues in the next, so the style at the start of a line is kept.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["LogLines", "StyledLine"]

StyledLine = str | list[tuple[str, str]]
"""A line to show: its text, or its parts, each with the CSS classes of its style."""

# Control sequences (ECMA-48 5.4) with their parameters and last character, operating system commands such as window titles,
# and other escapes. The same as in `rendering.ansi`, but with colons as separators of parameters, too.
ESCAPE = re.compile(r"\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]?)")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
ATTRIBUTES = {1: "skw-b", 2: "skw-f", 3: "skw-i", 4: "skw-u"}
# Code 22 ends both bold and faint (ECMA-48 8.3.117).
ENDS = {22: ("skw-b", "skw-f"), 23: ("skw-i",), 24: ("skw-u",)}
MATCHES_KEPT = 20_000
MOST_DIGITS = 3
UNKNOWN_CODE = 1000


class LogLines:
    """A log that grows: `feed` adds text, `page` and `find` read lines.

    total: the number of lines, with the unfinished last one. chars: the number of characters, by which a page sees growth.
    chunks_fed: the number of pieces fed so far.
    """

    def __init__(self) -> None:
        self.chars = self.chunks_fed = 0
        self._lines: list[str] = []
        self._styles: dict[int, str] = {}
        self._style = ""
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._query = ""
        self._matching_lines: list[int] = []
        self._lines_searched = 0
        self._match_count = 0

    @property
    def total(self) -> int:
        return len(self._lines) + bool(self._rest)

    def feed_chunks(self, chunks: Sequence[bytes]) -> None:
        """Add the new output of a running step. A piece may end within a character."""
        self.chunks_fed += len(chunks)
        self.feed(self._decoder.decode(b"".join(chunks)))

    def feed(self, text: str) -> None:
        self.chars += len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            # Most lines start without a style, so only the others have an entry.
            if self._style:
                self._styles[len(self._lines)] = self._style
            if "\x1b" in line:
                self._style = _last_style(line, self._style)
            self._lines.append(line)

    def page(self, first: int, count: int) -> list[StyledLine]:
        """`count` lines from the 0-based line `first` on; fewer at the end."""
        last = min(self.total, first + count)
        # The unfinished line has no entry in `_styles` yet.
        return [
            _styled_line(self._raw(index), self._style if index == len(self._lines) else self._styles.get(index, ""))
            for index in range(max(0, first), last)
        ]

    def _raw(self, index: int) -> str:
        return self._lines[index] if index < len(self._lines) else self._rest

    def plain(self) -> Iterable[str]:
        """Every line without escape sequences."""
        return (_plain(self._raw(index)) for index in range(self.total))

    def find(self, query: str) -> tuple[list[int], int]:
        """The 0-based numbers of the first 20,000 lines that contain `query`, in any case, and the number of all such lines.

        A query that is asked again while the log grows continues where the last search ended.
        """
        if query.lower() != self._query:
            self._query, self._matching_lines, self._lines_searched, self._match_count = query.lower(), [], 0, 0
        while self._query and self._lines_searched < len(self._lines):
            if self._query in _plain(self._lines[self._lines_searched]).lower():
                self._match_count += 1
                if len(self._matching_lines) < MATCHES_KEPT:
                    self._matching_lines.append(self._lines_searched)
            self._lines_searched += 1
        return self._matching_lines, self._match_count


def _after_overwriting(line: str) -> str:
    """The line from its last carriage return on: a terminal overwrites the text before it."""
    return line.removesuffix("\r").rpartition("\r")[2] if "\r" in line else line


def _plain(line: str) -> str:
    return CONTROL.sub("", ESCAPE.sub("", _after_overwriting(line)))


def _styled_line(line: str, style: str) -> StyledLine:
    if "\r" in line:
        # The overwritten text is gone, but a style that it set continues.
        style = _last_style(line.removesuffix("\r").rpartition("\r")[0], style)
        line = _after_overwriting(line)
    if "\x1b" not in line and not style:
        return CONTROL.sub("", line)
    parts: list[tuple[str, str]] = []
    end = 0
    for sequence in ESCAPE.finditer(line):
        parts.append((CONTROL.sub("", line[end : sequence.start()]), style))
        end = sequence.end()
        style = _restyled(style, sequence)
    parts.append((CONTROL.sub("", line[end:]), style))
    return [(text, classes) for text, classes in parts if text]


def _last_style(line: str, style: str) -> str:
    for sequence in ESCAPE.finditer(line):
        style = _restyled(style, sequence)
    return style


def _restyled(style: str, sequence: re.Match[str]) -> str:
    """The CSS classes after one Select Graphic Rendition sequence (ECMA-48 8.3.117); other sequences change no style."""
    if sequence[2] != "m":
        return style
    classes = style.split()
    codes = iter([_number(code) for code in re.split("[;:]", sequence[1])])
    for code in codes:
        if code in (38, 48):
            # A colour by its number (5;N) or by its parts (2;R;G;B). These numbers are no codes, so they are skipped.
            parts = 1 if next(codes, 0) == 5 else 3
            for _ in range(parts):
                next(codes, None)
        else:
            classes = _with_code(classes, code)
    return " ".join(classes)


def _number(code: str) -> int:
    """A code as a number; UNKNOWN_CODE for one with very many digits, for which `int` raises an error."""
    if not code.isdecimal():
        return 0
    digits = code.lstrip("0")
    return int(digits or "0") if len(digits) <= MOST_DIGITS else UNKNOWN_CODE


def _with_code(classes: list[str], code: int) -> list[str]:
    if code == 0:
        return []
    if code in ATTRIBUTES:
        return [*(name for name in classes if name != ATTRIBUTES[code]), ATTRIBUTES[code]]
    if code in ENDS:
        return [name for name in classes if name not in ENDS[code]]
    if 30 <= code <= 37 or 90 <= code <= 97 or code == 39:
        # A colour replaces the one before it; 39 is the default colour.
        kept = [name for name in classes if not name.startswith("skw-c")]
        return kept if code == 39 else [*kept, f"skw-c{code - 30 if code < 40 else code - 82}"]
    return classes
