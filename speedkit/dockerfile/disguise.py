"""Gets through the parser what it cannot take, or reads in an older way than BuildKit: as stand-in characters, undone after.

The parser's text ends at NUL and dies at a lone surrogate (a byte that is not UTF-8). It does not know `<< NAME`, a space
between the mark of a here-document and its name, which BuildKit reads since its version 0.13; and it finds no
here-document in an instruction that has `${NAME%…}`, `${NAME#…}` or `${NAME/…}`.
Source: moby/buildkit, frontend/dockerfile/parser (heredocsFromLine) and shell/lex.go (processPossibleHeredoc).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["disguised", "undisguised"]

_FIRST_BYTE, _FIRST_STAND_IN = 0xDC80, 0x10FF00
_BYTES = {_FIRST_BYTE + n: chr(_FIRST_STAND_IN + n) for n in range(128)}
_SPACES = {" ": "\U0010fff0", "\t": "\U0010fff1"}
_DOLLAR = "\U0010fff2"
_BACK = {ord(stand_in): chr(byte) for byte, stand_in in _BYTES.items()} | {
    ord(found): plain for plain, found in [*_SPACES.items(), ("$", _DOLLAR)]
}
_NEWER_EXPANSION = re.compile(r"\$(?=\{\w+[%#/])")
_MAY_HAVE_HEREDOC = re.compile(r"\s*(?:ONBUILD\s+)*(?:RUN|COPY|ADD)\s", re.IGNORECASE)
_MARK = re.compile(r"\d*<<(?P<dash>-?)(?P<space>[ \t]*)(?P<name>[^<]+)", re.DOTALL)


def disguised(text: str, escape: str) -> str:
    """A Dockerfile as the parser can read it; lines and columns stay."""
    text = text.replace("\0", "\ufffd").translate(_BYTES)
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    if "<<" in text:
        text = _NEWER_EXPANSION.sub(_DOLLAR, text)
    return _with_joined_marks(text, escape) if re.search(r"<<[ \t]", text) else text


def undisguised(text: str) -> str:
    """What a part of a disguised text says."""
    return text.translate(_BACK)


@dataclass(frozen=True, slots=True)
class _Mark:
    """`<<NAME`: where its space begins and ends in the line, and what ends the here-document."""

    start: int
    end: int
    dash: bool
    name: str


def _with_joined_marks(text: str, escape: str) -> str:
    """Spaces between `<<` and a name replaced, and so before the name where it ends the here-document."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        if not _MAY_HAVE_HEREDOC.match(lines[number]):
            number += 1
            continue
        marks: list[tuple[_Mark, str]] = []
        quote = ""
        header = list(_lines_of_instruction(lines, number, escape))
        for place in header:
            line = lines[place]
            found, quote = _marks_of(line, quote)
            for mark in found:
                spaces = "".join(_SPACES[space] for space in line[mark.start : mark.end])
                line = line[: mark.start] + spaces + line[mark.end :]
                marks.append((mark, spaces))
            lines[place] = line
        number = _after_bodies(lines, header[-1] + 1, marks)
    return "\n".join(lines)


def _lines_of_instruction(lines: list[str], number: int, escape: str) -> Iterator[int]:
    """The lines of one instruction without the comments between them."""
    yield number
    while lines[number].rstrip().endswith(escape) and number + 1 < len(lines):
        number += 1
        while number + 1 < len(lines) and (not lines[number].strip() or lines[number].lstrip().startswith("#")):
            number += 1
        yield number


def _after_bodies(lines: list[str], number: int, marks: list[tuple[_Mark, str]]) -> int:
    """The line behind the here-documents of an instruction. Their last lines get the spaces that their names have."""
    for mark, spaces in marks:
        for place in range(number, len(lines)):
            line = lines[place].removesuffix("\r")
            if (line.lstrip("\t") if mark.dash else line) == mark.name:
                lines[place] = spaces + lines[place]
                number = place + 1
                break
        else:
            return len(lines)
    return number


def _marks_of(line: str, quote: str) -> tuple[list[_Mark], str]:
    """The marks in a line outside of quotes, and the quote that is still open at its end."""
    marks = []
    for start, end in _words(line, quote):
        found = _MARK.fullmatch(line[start:end])
        name = re.sub(r"\\(.)|['\"]", lambda part: part[1] or "", found["name"]) if found else ""
        if found and name:
            marks.append(_Mark(start + found.start("space"), start + found.end("space"), bool(found["dash"]), name))
    return marks, _open_quote(line, quote)


def _words(line: str, quote: str) -> Iterator[tuple[int, int]]:
    """Where the words of a line begin and end; spaces behind `<<` do not end one."""
    start, position = None, 0
    while position < len(line):
        character = line[position]
        if not quote and character.isspace():
            if start is not None:
                yield start, position
            start = None
        else:
            start = position if start is None else start
            if not quote and line.startswith("<<", position):
                position += 1 + len(line[position + 2 :]) - len(line[position + 2 :].lstrip(" \t"))
            elif character == "\\" and quote != "'":
                position += 1
            else:
                quote = _next_quote(character, quote)
        position += 1
    if start is not None:
        yield start, len(line)


def _open_quote(line: str, quote: str) -> str:
    position = 0
    while position < len(line):
        if line[position] == "\\" and quote != "'":
            position += 1
        else:
            quote = _next_quote(line[position], quote)
        position += 1
    return quote


def _next_quote(character: str, quote: str) -> str:
    if character not in ("'", '"'):
        return quote
    if not quote:
        return character
    return "" if character == quote else quote
