"""Parser directives: `# syntax=…`, `# escape=…` and `# check=…` at the top of a Dockerfile.

BuildKit reads them twice. First it looks for the frontend and for the linter's options. There a first line `#!…` is
skipped, and the frontend may also be in `// syntax=…`, or in a JSON file, `{"syntax": "…"}`. Later the parser reads
directives line by line, up to the first line that is none.
Source: moby/buildkit, frontend/dockerfile/parser/directives.go.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from .go_text import WHITE_SPACE

__all__ = ["Directive", "DirectiveError", "Directives", "Frontend", "check_options", "requested_frontend", "without_frontend"]

_NAMES = frozenset({"syntax", "escape", "check"})
_SPACES = "\t\n\f\r "
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]*")


class DirectiveError(ValueError):
    """BuildKit rejects a directive. The text is BuildKit's reason."""


@dataclass(frozen=True, slots=True)
class Directive:
    """name: in small letters. value: without white space around it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Frontend:
    """An image that reads a Dockerfile in place of the engine's own frontend.

    image: its name. comment: the comment sign of its directive, `#` or `//`, or "" for JSON. lines: all lines with a
    `syntax` directive, from 1; only the first one counts. end: the first line that is no directive.
    """

    image: str
    comment: str
    lines: tuple[int, ...]
    end: int


class Directives:
    """Reads the directives of a text, line by line. done: a line without a directive has ended them."""

    def __init__(self, comment: str = "#") -> None:
        self._comment = comment
        self._names: set[str] = set()
        self.done = False

    def read(self, line: str) -> Directive | None:
        """The directive in a line, or None. Raises DirectiveError when its name was used before."""
        if self.done:
            return None
        directive = _directive_in(line, self._comment)
        if directive is None:
            self.done = True
            return None
        if directive.name in self._names:
            raise DirectiveError(f"only one {directive.name} parser directive can be used")
        self._names.add(directive.name)
        return directive


def _directive_in(line: str, comment: str) -> Directive | None:
    if not line.startswith(comment):
        return None
    rest = line.removeprefix(comment).lstrip(WHITE_SPACE)
    name = _NAME.match(rest)
    if name is None or name[0].lower() not in _NAMES:
        return None
    sign, value = rest[name.end() :].lstrip(_SPACES)[:1], rest[name.end() :].lstrip(_SPACES)[1:].strip(_SPACES)
    return Directive(name[0].lower(), value) if sign == "=" and value else None


def requested_frontend(text: str) -> Frontend | None:
    """The frontend that a Dockerfile names; None for the engine's own."""
    body, first_line = _behind_first_line(text)
    for comment in ("#", "//"):
        directives, end = _directives_of(body, comment)
        lines = [number for number, directive in directives if directive.name == "syntax"]
        if lines and lines[0] not in _lines_from_repetition(directives):
            value = next(directive.value for _, directive in directives if directive.name == "syntax")
            numbers = tuple(number + first_line for number in lines)
            return Frontend(value.partition(" ")[0], comment, numbers, end + first_line)
    image = _in_json(body)
    return Frontend(image, "", (1 + first_line,), 1 + first_line) if image is not None else None


def check_options(text: str) -> str:
    """The linter's options in `# check=`, up to the first space; "" without them."""
    body, _ = _behind_first_line(text)
    directives, _ = _directives_of(body, "#")
    unread_lines = _lines_from_repetition(directives)
    for number, directive in directives:
        if number in unread_lines:
            break
        if directive.name == "check":
            return directive.value.partition(" ")[0]
    return ""


def without_frontend(text: str) -> str:
    """The Dockerfile without `# syntax=`, for the engine's own frontend. Instructions keep their line numbers.

    A comment ends the directives. So the other directives move up, and empty comments fill the lines behind them.
    """
    frontend = requested_frontend(text)
    if frontend is None or frontend.comment != "#":
        return text
    lines = text.split("\n")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines[0] = lines[0].removeprefix(mark)
    first = 2 if lines[0].startswith("#!") else 1
    block = range(first, frontend.end)
    other_directives = [lines[number - 1] for number in block if number not in frontend.lines]
    # The comments are empty because BuildKit takes words above FROM or ARG for its description.
    lines[first - 1 : frontend.end - 1] = [*other_directives, *["#"] * (len(block) - len(other_directives))]
    return mark + "\n".join(lines)


def _behind_first_line(text: str) -> tuple[str, int]:
    """The text without a byte order mark and without a first line `#!…`, and the number of lines removed."""
    text = text.removeprefix("\ufeff")
    if text.startswith("#!"):
        return text.partition("\n")[2], 1
    return text, 0


def _directives_of(text: str, comment: str) -> tuple[list[tuple[int, Directive]], int]:
    """The directives at the top of a text with their lines, repeated ones included, and the first line behind them."""
    directives: list[tuple[int, Directive]] = []
    start, number = 0, 1
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        directive = _directive_in(text[start:end].removesuffix("\r"), comment)
        if directive is None:
            break
        directives.append((number, directive))
        start, number = end + 1, number + 1
    return directives, number


def _lines_from_repetition(directives: list[tuple[int, Directive]]) -> set[int]:
    """The lines from the first repeated directive on. BuildKit stops reading there."""
    names: set[str] = set()
    for place, (_, directive) in enumerate(directives):
        if directive.name in names:
            return {number for number, _ in directives[place:]}
        names.add(directive.name)
    return set()


def _in_json(text: str) -> str | None:
    """The frontend in a file that is a JSON object."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)["syntax"]
    except (ValueError, KeyError, RecursionError):
        return None
    return value if isinstance(value, str) else None
