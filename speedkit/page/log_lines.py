"""The lines of one step's log, as they come in, ready to be shown by the page.

A step may print 200,000 lines: they are kept here once, as text, and the browser asks for the few it shows. Escape
sequences are read only for those. A colour set in one line goes on in the next, so each line knows what it starts with.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["LogLines", "Runs"]

Runs = str | list[tuple[str, str]]
"""A line to show: its text, or texts with the CSS classes of their colours."""

ESCAPE = re.compile(r"\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]?)")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
ATTRIBUTES = {1: "skw-b", 2: "skw-f", 3: "skw-i", 4: "skw-u"}
ENDS = {22: ("skw-b", "skw-f"), 23: ("skw-i",), 24: ("skw-u",)}
MATCHES_KEPT = 20_000
MOST_DIGITS = 3
UNKNOWN_CODE = 1000


class LogLines:
    """A log that grows: `feed` adds to it, `page` and `find` read it.

    total: lines so far, the unfinished last one among them. chars: how much was fed, by which a page sees growth.
    """

    def __init__(self) -> None:
        self.chars = self.chunks_fed = 0
        self._lines: list[str] = []
        self._styles: dict[int, str] = {}
        self._style = ""
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._query = ""
        self._found: list[int] = []
        self._searched = 0
        self._matches = 0

    @property
    def total(self) -> int:
        return len(self._lines) + bool(self._rest)

    def feed_chunks(self, chunks: Sequence[bytes]) -> None:
        """Add what a running step printed since; `chunks_fed` counts the pieces so far. A character may be cut in two."""
        self.chunks_fed += len(chunks)
        self.feed(self._decoder.decode(b"".join(chunks)))

    def feed(self, text: str) -> None:
        self.chars += len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._append(line)

    def _append(self, line: str) -> None:
        if self._style:
            self._styles[len(self._lines)] = self._style
        if "\x1b" in line:
            self._style = _last_style(line, self._style)
        self._lines.append(line)

    def page(self, first: int, count: int) -> list[Runs]:
        """`count` lines from the 0-based line `first` on; fewer at the end."""
        last = min(self.total, first + count)
        return [_runs(self._raw(index), self._start(index)) for index in range(max(0, first), last)]

    def _start(self, index: int) -> str:
        return self._style if index == len(self._lines) else self._styles.get(index, "")

    def _raw(self, index: int) -> str:
        return self._lines[index] if index < len(self._lines) else self._rest

    def plain(self) -> Iterable[str]:
        """Every line without escape sequences."""
        return (_plain(self._raw(index)) for index in range(self.total))

    def find(self, query: str) -> tuple[list[int], int]:
        """The 0-based numbers of the first 20,000 lines that hold `query`, in any case, and how many there are."""
        if query.lower() != self._query:
            self._query, self._found, self._searched, self._matches = query.lower(), [], 0, 0
        while self._query and self._searched < len(self._lines):
            self._note_match(self._searched)
            self._searched += 1
        return self._found, self._matches

    def _note_match(self, index: int) -> None:
        if self._query not in _plain(self._lines[index]).lower():
            return
        self._matches += 1
        if len(self._found) < MATCHES_KEPT:
            self._found.append(index)


def _drawn(line: str) -> str:
    """What a terminal shows of a line in which a carriage return starts over."""
    return line.removesuffix("\r").rpartition("\r")[2] if "\r" in line else line


def _plain(line: str) -> str:
    return CONTROL.sub("", ESCAPE.sub("", _drawn(line)))


def _runs(line: str, style: str) -> Runs:
    if "\r" in line:
        style = _last_style(line.removesuffix("\r").rpartition("\r")[0], style)
        line = _drawn(line)
    if "\x1b" not in line and not style:
        return CONTROL.sub("", line)
    runs: list[tuple[str, str]] = []
    end = 0
    for found in ESCAPE.finditer(line):
        _add(runs, line[end : found.start()], style)
        end = found.end()
        style = _restyled(style, found)
    _add(runs, line[end:], style)
    return runs


def _add(runs: list[tuple[str, str]], text: str, style: str) -> None:
    if shown := CONTROL.sub("", text):
        runs.append((shown, style))


def _last_style(line: str, style: str) -> str:
    for found in ESCAPE.finditer(line):
        style = _restyled(style, found)
    return style


def _restyled(style: str, found: re.Match[str]) -> str:
    """The CSS classes after one Select Graphic Rendition sequence (ECMA-48 8.3.117); others change nothing."""
    if found[2] != "m":
        return style
    classes = style.split()
    codes = iter([_number(code) for code in re.split("[;:]", found[1])])
    for code in codes:
        if code in (38, 48):
            # A colour by its number (5;N) or by its parts (2;R;G;B), none of which is a code of its own.
            parts = 1 if next(codes, 0) == 5 else 3
            for _ in range(parts):
                next(codes, None)
        else:
            classes = _with_code(classes, code)
    return " ".join(classes)


def _number(code: str) -> int:
    """A code as a number; one that no terminal knows for digits without end, which Python refuses to read."""
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
        kept = [name for name in classes if not name.startswith("skw-c")]
        return kept if code == 39 else [*kept, f"skw-c{code - 30 if code < 40 else code - 82}"]
    return classes
