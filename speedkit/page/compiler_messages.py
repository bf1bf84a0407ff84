"""Reads what compilers say about a place in a file, in the forms of Go, C, Rust, Java by Maven, Python and Node.js.

Most compilers name place and message in one line. rustc names the place in the line after the message, Python and Node.js in a
line before it:

    ./main.go:12:3: undefined: x                                  error: mismatched closing delimiter: `}`
    [ERROR] /src/Main.java:[18,58] ')' expected                     --> src/main.rs:27:9

      File "main.py", line 18                                     /app/main.js:7
        return Reply(text=text                                      response.json({ text: '' };
                    ^                                                                        ^
    SyntaxError: '(' was never closed                             SyntaxError: missing ) after argument list
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["CompilerMessage", "compiler_messages"]

# At most nine digits: `int` raises an error for thousands of them, and a log is foreign text.
IN_ONE_LINE = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>[0-9]{1,9})(?::(?P<column>[0-9]{1,9}))?: (?P<message>.+)$")
OF_MAVEN = re.compile(r"^\[ERROR\] (?P<path>/[^:\n]*):\[(?P<line>[0-9]{1,9}),(?P<column>[0-9]{1,9})\] (?P<message>.+)$")
RUST_MESSAGE = re.compile(r"^error(?:\[E[0-9]+\])?: (?P<message>.+)$")
RUST_PLACE = re.compile(r"^ *--> (?P<path>[^:\n]+):(?P<line>[0-9]{1,9}):(?P<column>[0-9]{1,9})$")
PLACE_BEFORE = re.compile(
    r'^(?: *File "(?P<python>[^"\n]+)", line (?P<row>[0-9]{1,9})\b.*|(?P<node>/[^:\n]+):(?P<line>[0-9]{1,9}))$'
)
ERROR_AFTER = re.compile(r"^(?P<message>[A-Z][A-Za-z.]*(?:Error|Exception): .+)$")
LINES_BETWEEN = 8
"""The most lines between a place and its message: the source, and a mark below it."""


@dataclass(frozen=True, slots=True)
class CompilerMessage:
    """A message about a place. number: the 0-based line of the log that names the place."""

    number: int
    path: str
    line: int
    column: int | None
    message: str


def compiler_messages(log: Iterable[str]) -> Iterator[CompilerMessage]:
    """The messages in the lines of a log, in their order."""
    rust_message: str | None = None
    place: CompilerMessage | None = None
    for number, text in enumerate(log):
        if (whole := IN_ONE_LINE.match(text) or OF_MAVEN.match(text)) is not None:
            column = whole["column"]
            yield CompilerMessage(number, whole["path"], int(whole["line"]), int(column) if column else None, whole["message"])
        elif (begun := RUST_MESSAGE.match(text)) is not None:
            rust_message = begun["message"]
        elif rust_message is not None and (at := RUST_PLACE.match(text)) is not None:
            yield CompilerMessage(number, at["path"], int(at["line"]), int(at["column"]), rust_message)
            rust_message = None
        elif (before := PLACE_BEFORE.match(text)) is not None:
            place = CompilerMessage(number, before["python"] or before["node"], int(before["row"] or before["line"]), None, "")
        elif place is not None and (error := ERROR_AFTER.match(text)) is not None:
            if number - place.number <= LINES_BETWEEN:
                yield CompilerMessage(place.number, place.path, place.line, None, error["message"])
            place = None
