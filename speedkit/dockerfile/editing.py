"""Edits a Dockerfile's text, and leaves everything else as its author wrote it: comments, indentation, line ends, case.

In: a `Dockerfile` and edits of its instructions. Out: the new text. Edits are collected as replacements in the text, so each
instruction has the lines of the original until `text` puts all of them in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .directives import Directives

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .syntax import Dockerfile, Instruction

__all__ = ["CannotEdit", "DockerfileEditor"]

_KEYWORD = re.compile(r"[ \t]*([A-Za-z]+)([ \t]+|$)")
_BLANK_LINE = re.compile(r"[ \t]*\r?\n")
_ENDS_BLANK = re.compile(r"(?:\A|\n)[ \t]*\r?\n\Z")
_COMMENT = re.compile(r"[ \t]*#")


class CannotEdit(ValueError):
    """An instruction is written in a way that the editor does not change, such as with a keyword over two lines."""


@dataclass(frozen=True, slots=True)
class _Replacement:
    start: int
    end: int
    text: str


class DockerfileEditor:
    """Collects edits of one Dockerfile. An instruction is edited at most once; inserting beside it does not count."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self._dockerfile = dockerfile
        self._source = dockerfile.source
        self._lines = _lines(self._source)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._replacements: list[_Replacement] = []
        crlf = self._source.count("\r\n")
        self.line_end = "\r\n" if crlf * 2 > self._source.count("\n") else "\n"

    @property
    def text(self) -> str:
        """The Dockerfile with all edits."""
        text = ""
        position = 0
        replacements = sorted(self._replacements, key=lambda replacement: (replacement.start, replacement.end))
        for number, replacement in enumerate(replacements):
            if replacement.start < position:
                raise CannotEdit("two edits of one place")
            text += self._source[position : replacement.start] + replacement.text
            position = replacement.end
            # Where lines are gone between two blank ones, one of these goes as well.
            blank = _BLANK_LINE.match(self._source, position) if not replacement.text and _ENDS_BLANK.search(text) else None
            if blank is not None and all(later.start >= blank.end() for later in replacements[number + 1 :][:1]):
                position = blank.end()
        return text + self._source[position:]

    def span(self, instruction: Instruction) -> tuple[int, int]:
        """Where an instruction is in the source, without its last line end."""
        start, end = self._starts[instruction.line - 1], self._starts[instruction.end_line]
        while end > start and self._source[end - 1] in "\r\n":
            end -= 1
        return start, end

    def source_of(self, instruction: Instruction) -> str:
        """The instruction as written, without its last line end."""
        start, end = self.span(instruction)
        return self._source[start:end]

    def flat(self, instruction: Instruction) -> str:
        """The instruction's first lines as one line of the same length: continuations and comments in it become spaces.

        So a place in it is the same place in `source_of`. Here-documents stay as they are.
        """
        source = self.source_of(instruction)
        flat: list[str] = []
        escape = self._dockerfile.escape
        continues = True
        for line in _lines(source):
            content = line.rstrip("\r\n")
            shortened = content.rstrip(" \t")
            if not continues:  # a here-document
                flat.append(line)
            elif flat and (_COMMENT.match(content) or not content.strip()):
                flat.append(" " * len(line))
            else:
                continues = shortened.endswith(escape) and shortened[-2:-1] != escape
                flat.append(shortened[:-1].ljust(len(line)) if continues else line)
        return "".join(flat)

    def arguments_start(self, instruction: Instruction) -> int:
        """Where the text behind the keyword and its flags begins, in `source_of` and `flat`."""
        flat = self.flat(instruction)
        keyword = _KEYWORD.match(flat)
        if keyword is None or keyword[1].upper() != instruction.keyword:
            raise CannotEdit("a keyword over two lines")
        position = keyword.end()
        for _ in instruction.flags:
            flag = re.compile(r"--(?:\"[^\"]*\"|'[^']*'|\\.|[^\s\"'\\])*\s*").match(flat, position)
            if flag is None:
                raise CannotEdit("a flag over two lines")
            position = flag.end()
        return position

    def replace(self, instruction: Instruction, text: str, *, with_comments: bool = False) -> None:
        """Puts another text in the place of an instruction; its line end stays. with_comments: and of the comment above it."""
        start, end = self.span(instruction)
        start = self._starts[self.first_line(instruction) - 1] if with_comments else start
        self._replacements.append(_Replacement(start, end, text))

    def replace_within(self, instruction: Instruction, pieces: Iterable[tuple[int, int, str]]) -> None:
        """Puts other texts in the place of parts of an instruction; places as in `source_of`."""
        start, _ = self.span(instruction)
        self._replacements += [_Replacement(start + begin, start + end, text) for begin, end, text in pieces]

    def remove(self, instruction: Instruction, *, with_comments: bool = False) -> None:
        """Removes the lines of an instruction. with_comments: and the comment right above it."""
        first = self.first_line(instruction) if with_comments else instruction.line
        self._replacements.append(_Replacement(self._starts[first - 1], self._starts[instruction.end_line], ""))

    def insert_before(self, instruction: Instruction, instructions: Sequence[str]) -> None:
        """Inserts instructions above the comment that is right above an instruction."""
        place = self._starts[self.first_line(instruction) - 1]
        text = "".join(line + self.line_end for line in instructions)
        self._replacements.append(_Replacement(place, place, text))

    def first_line(self, instruction: Instruction) -> int:
        """The first line of the comment right above an instruction, else the instruction's own."""
        line = instruction.line
        # A directive looks like a comment, and counts only at the top of the file.
        directives = Directives()
        top = 1
        while top <= len(self._lines):
            if directives.read(self._lines[top - 1].rstrip("\r\n").removeprefix("\ufeff")) is None:
                break
            top += 1
        while line > top and _COMMENT.match(self._lines[line - 2]):
            line -= 1
        return line

    def block(self, instruction: Instruction) -> str:
        """The instruction as written, with the comment right above it, without the last line end."""
        start, end = self._starts[self.first_line(instruction) - 1], self.span(instruction)[1]
        return self._source[start:end]

    def keyword_of(self, instruction: Instruction) -> str:
        """The keyword as the author wrote it, with what is in front of it."""
        return (
            self.source_of(instruction)[: len(self.flat(instruction)) - len(self.flat(instruction).lstrip())]
            + (self.flat(instruction).split(maxsplit=1)[0])
        )

    def keyword(self, word: str, like: Instruction) -> str:
        """A keyword in the case in which the author writes another instruction."""
        written = _KEYWORD.match(self._lines[like.line - 1])
        return word.lower() if written is not None and written[1].islower() else word

    def indentation(self, instruction: Instruction) -> str:
        """What the author puts before a continued line: of this instruction, else of the first other one; else four spaces."""
        for candidate in (instruction, *self._dockerfile.instructions):
            lines = self._lines[candidate.line : candidate.end_line] if not candidate.heredocs else []
            margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
            if shortest := min(filter(None, margins), key=len, default=""):
                return shortest
        return "    "

    def with_flags(self, instruction: Instruction, flags: Sequence[str]) -> list[tuple[int, int, str]]:
        """The pieces for `replace_within` that give an instruction more flags, each on a line of its own."""
        source, position = self.source_of(instruction), self.arguments_start(instruction)
        before = source[:position]
        separator = f" {self._dockerfile.escape}{self.line_end}{self.indentation(instruction)}"
        # The instruction may go on in the next line already: `RUN \`. Then the flags take the rest of that line.
        if "\n" in before:
            begin = len(before.rstrip())
            escape = self._dockerfile.escape
            while before[begin - 1 : begin] == escape:
                begin = len(before[: begin - 1].rstrip())
            margin = before[before.rindex("\n") + 1 :]
            own = f" {self._dockerfile.escape}{self.line_end}{margin}"
            lead = " " if "\n" not in before[:begin] and not instruction.flags else own
            return [(begin, position, lead + own.join(flags) + own)]
        return [(position, position, "".join(flag + separator for flag in flags))]


def _lines(text: str) -> list[str]:
    """The lines with their ends. Only a newline ends a line of a Dockerfile."""
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
