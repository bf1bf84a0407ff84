"""Parser directives: `# syntax=…`, `# escape=…`, `# check=…` before anything else in a Dockerfile.

BuildKit looks for them in two ways. Its parser reads line after line until the first that is no directive. Before that, it
looks for the frontend and for the linter's options in the whole text: behind a first line `#!…`, and for the frontend also
in `// syntax=…`, and in a file that is JSON, `{"syntax": "…"}`.
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
    """Why BuildKit refuses a directive, in its words."""


@dataclass(frozen=True, slots=True)
class Directive:
    """name: in small letters. value: without the space around it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Frontend:
    """What reads a Dockerfile in place of the engine's own frontend.

    image: its name. comment: what starts the line that asks for it: `#`, `//`, or "" for JSON. lines: where directives stand
    that ask for a frontend, from 1; only the first of them counts. end: the first line that is no directive.
    """

    image: str
    comment: str
    lines: tuple[int, ...]
    end: int


class Directives:
    """Reads the first lines of a text, one after the other, until the first that is no directive."""

    def __init__(self, comment: str = "#") -> None:
        self._comment = comment
        self._names: set[str] = set()
        self.done = False

    def read(self, line: str) -> Directive | None:
        """The directive in a line. Raises DirectiveError for a second one of a name."""
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
    """The frontend that a Dockerfile asks for, None where the engine's own reads it."""
    body, first_line = _behind_first_line(text)
    for comment in ("#", "//"):
        found, end = _directives_of(body, comment)
        lines = [number for number, directive in found if directive.name == "syntax"]
        if lines and lines[0] not in _repeated(found):
            value = next(directive.value for _, directive in found if directive.name == "syntax")
            numbers = tuple(number + first_line for number in lines)
            return Frontend(value.partition(" ")[0], comment, numbers, end + first_line)
    image = _in_json(body)
    return Frontend(image, "", (1 + first_line,), 1 + first_line) if image is not None else None


def check_options(text: str) -> str:
    """The options of the linter that `# check=` gives, up to the first space; "" where there are none."""
    body, _ = _behind_first_line(text)
    found, _ = _directives_of(body, "#")
    repeated = _repeated(found)
    for number, directive in found:
        if number in repeated:
            break
        if directive.name == "check":
            return directive.value.partition(" ")[0]
    return ""


def without_frontend(text: str) -> str:
    """A Dockerfile for the engine's own frontend: as it is, but for the lines that ask for another one.

    All lines keep their numbers. A comment ends the directives, so the lines that asked become empty comments behind the
    directives that remain.
    """
    frontend = requested_frontend(text)
    if frontend is None or frontend.comment != "#":
        return text
    lines = text.split("\n")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines[0] = lines[0].removeprefix(mark)
    first = 2 if lines[0].startswith("#!") else 1
    block = range(first, frontend.end)
    kept = [lines[number - 1] for number in block if number not in frontend.lines]
    # An empty comment belongs to no instruction, whereas a comment with words above FROM or ARG would describe it.
    lines[first - 1 : frontend.end - 1] = [*kept, *["#"] * (len(block) - len(kept))]
    return mark + "\n".join(lines)


def _behind_first_line(text: str) -> tuple[str, int]:
    """The text without a byte order mark and a first line `#!…`, and how many lines that are."""
    text = text.removeprefix("\ufeff")
    if text.startswith("#!"):
        return text.partition("\n")[2], 1
    return text, 0


def _directives_of(text: str, comment: str) -> tuple[list[tuple[int, Directive]], int]:
    """The directives at the beginning of a text with their lines, repeated ones too, and the first line behind them."""
    found: list[tuple[int, Directive]] = []
    start, number = 0, 1
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        directive = _directive_in(text[start:end].removesuffix("\r"), comment)
        if directive is None:
            break
        found.append((number, directive))
        start, number = end + 1, number + 1
    return found, number


def _repeated(found: list[tuple[int, Directive]]) -> set[int]:
    """The lines from the first on that repeats a directive: nobody reads further."""
    names: set[str] = set()
    for place, (_, directive) in enumerate(found):
        if directive.name in names:
            return {number for number, _ in found[place:]}
        names.add(directive.name)
    return set()


def _in_json(text: str) -> str | None:
    """The frontend that a file asks for that is a JSON object."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)["syntax"]
    except (ValueError, KeyError, RecursionError):
        return None
    return value if isinstance(value, str) else None
