"""Splits a Dockerfile into instructions, as BuildKit's parser does: lines, escapes, here-documents, words, directives.

In: the text, with lone surrogates for bytes that are no UTF-8. Out: a `Parsed`, or a `ParseError` with the line that
BuildKit names. It takes linear time. BuildKit reads some parts byte by byte, and this module does the same, with the
same oddities: a flag beyond ASCII comes out garbled, and the byte 0xA0 inside a letter ends the flag.
Source: moby/buildkit, frontend/dockerfile/parser (parser.go, line_parsers.go, split_command.go, directives.go).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .directives import DirectiveError, Directives
from .go_text import WHITE_SPACE, quoted
from .heredoc_marks import HeredocError, heredocs_of_line
from .syntax import Heredoc

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Command", "ParseError", "Parsed", "parse"]

MAX_LINE_BYTES = 65535
_WHITE_SPACE_IN_LINE = re.compile(r"[\t\v\f\r ]+")
_NOT_TEXT = re.compile("[\ud800-\udfff]")
_MAY_HOLD_HEREDOCS = frozenset({"add", "copy", "run"})


class ParseError(ValueError):
    """BuildKit's parser rejects a Dockerfile. The text is BuildKit's reason. line: as BuildKit names it, or None."""

    def __init__(self, reason: str, line: int | None) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class Command:
    """One instruction.

    keyword: as written. flags: such as `--from=a`, without quotes. words: behind the keyword and the flags; a single one for
    a shell. json: the words were a JSON list. original: the lines joined, without here-documents. line, end_line: from 1.
    trigger: the instruction behind ONBUILD.
    """

    keyword: str
    flags: tuple[str, ...]
    words: tuple[str, ...]
    json: bool
    original: str
    line: int = 0
    end_line: int = 0
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Command | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A Dockerfile, split into instructions. escape: the escape character."""

    commands: tuple[Command, ...]
    escape: str


def parse(text: str, *, escape: str = "\\") -> Parsed:
    """The instructions of a Dockerfile. Raises ParseError.

    escape: the escape character of a text without `# escape=`.
    """
    return _Parser(text, escape).parse()


class _Parser:
    """A cursor over the lines of a Dockerfile."""

    def __init__(self, text: str, escape: str) -> None:
        self._lines = _lines(text)
        self._directives = Directives()
        self._escape = escape
        self._number = 0
        self._too_long = False

    def parse(self) -> Parsed:
        commands: list[Command] = []
        while (line := self._next()) is not None:
            if self._number == 1:
                line = line.removeprefix("\ufeff")  # only in the first line; elsewhere it is a character (discardBOM)
            # BuildKit counts a line after it reads the directive, so an error in one names the line before.
            stripped = self._processed(line.rstrip("\r\n").lstrip(WHITE_SPACE), self._number - 1)
            start = self._number
            # White space before the keyword does not count. In the lines below it stays: it is part of a shell's command.
            piece, continues = self._without_continuation(stripped)
            if piece or continues:
                joined = self._joined(piece) if continues else piece
                commands.append(self._command(joined, start))
        # BuildKit looks at the scanner's error last, so a file with one line that is too long has no instructions.
        if not commands:
            raise ParseError("file with no instructions", self._number or None)
        if self._too_long:
            raise ParseError(f"dockerfile line greater than max allowed size of {MAX_LINE_BYTES}", self._number or None)
        return Parsed(tuple(commands), self._escape)

    def _next(self) -> str | None:
        """The next line with its end. None behind the last line, and from a line on that is too long."""
        if self._too_long:
            return None
        line = next(self._lines, None)
        if line is None:
            return None
        # BuildKit reads with Go's bufio.Scanner, which stops at a line of more bytes, without the newline.
        length = len(line) - line.endswith("\n")
        if length * 4 > MAX_LINE_BYTES and not line.isascii():  # a character has up to four bytes
            length = len(line.removesuffix("\n").encode("utf-8", "surrogateescape"))
        if length > MAX_LINE_BYTES:
            self._too_long = True
            return None
        self._number += 1
        return line

    def _processed(self, line: str, number_in_errors: int) -> str:
        """The line, or "" for a comment. A directive at the top of the file takes effect."""
        try:
            directive = self._directives.read(line)
            if directive is not None and directive.name == "escape":
                if directive.value not in ("`", "\\"):
                    raise DirectiveError(f"invalid escape token '{directive.value}' does not match ` or \\")
                self._escape = directive.value
        except DirectiveError as problem:
            raise ParseError(str(problem), number_in_errors or None) from None
        return "" if line.lstrip(WHITE_SPACE).startswith("#") else line

    def _without_continuation(self, line: str) -> tuple[str, bool]:
        """The line without the escape character at its end, and whether it had one. An escaped one does not count."""
        # BuildKit searches for `([^\\])\\[ \t]*$|^\\[ \t]*$` (setEscapeToken). `\\` at the end continues nothing.
        shortened = line.rstrip(" \t")
        if shortened.endswith(self._escape) and shortened[-2:-1] != self._escape:
            return shortened[:-1], True
        return line, False

    def _joined(self, first: str) -> str:
        """All lines of an instruction as one. Comments and empty lines between them are left out."""
        pieces = [first]
        while (line := self._next()) is not None:
            piece = self._processed(line.rstrip("\r\n"), self._number - 1)
            # BuildKit goes on behind an empty line, with a warning (NoEmptyContinuation).
            if not piece.strip(WHITE_SPACE):
                continue
            piece, continues = self._without_continuation(piece)
            pieces.append(piece)
            if not continues:
                break
        # BuildKit takes the beginning of a line that is too long for one more line, and refuses the file later.
        self._number += self._too_long
        return "".join(pieces)

    def _command(self, line: str, start: int) -> Command:
        try:
            command = _command_of(line, self._escape)
            inner = command.trigger or command
            bodies: list[Heredoc] = []
            # Only these keywords have here-documents, and only in the shell form: in a JSON list `<<` is text.
            if "<<" in line and inner.keyword.lower() in _MAY_HOLD_HEREDOCS and not inner.json:
                bodies = [self._body(mark) for mark in heredocs_of_line(line)]
        except (HeredocError, _Refused) as problem:
            raise ParseError(str(problem), start) from None
        return replace(command, line=start, end_line=self._number, heredocs=tuple(bodies))

    def _body(self, mark: Heredoc) -> Heredoc:
        # Lines of a here-document stay as they are: it has no comments, directives or continuations.
        content: list[str] = []
        while (line := self._next()) is not None:
            end = line.rstrip("\r\n")
            if (end.lstrip("\t") if mark.chomp else end) == mark.name:
                return replace(mark, content="".join(content))
            content.append(line)
        raise _Refused("unterminated heredoc")


class _Refused(ValueError):
    """BuildKit rejects an instruction. The text is BuildKit's reason."""


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends. Only a newline ends a line; Python's `splitlines` splits at other characters, too."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _command_of(line: str, escape: str, *, in_onbuild: bool = False) -> Command:
    keyword, *rest = _WHITE_SPACE_IN_LINE.split(line.strip(WHITE_SPACE), maxsplit=1)
    after_flags, flags = _flags(rest[0], escape) if rest else ("", ())
    text = after_flags.strip(WHITE_SPACE)
    if keyword.lower() == "onbuild" and in_onbuild:
        # `checks` refuses ONBUILD inside of ONBUILD; reading it here would only make the recursion deeper.
        return Command(keyword, flags, (text,) if text else (), json=False, original=line)
    if keyword.lower() == "onbuild":
        trigger = _command_of(text, escape, in_onbuild=True) if text else None
        words, is_list = (trigger.words, trigger.json) if trigger else ((), False)
        return Command(keyword, flags, words, is_list, line, trigger=trigger)
    reader = _READERS.get(keyword.lower())
    # An unknown keyword has one empty word, so that the ONBUILD before it does not seem to lack an argument.
    words, is_list = reader(text, escape) if reader is not None else (("",), False)
    return Command(keyword, flags, words, is_list, line)


def _flags(text: str, escape: str) -> tuple[str, tuple[str, ...]]:
    """The text behind the flags, and the flags without quotes and escapes."""
    if text[:1].isascii() and not text.startswith("--"):
        return text, ()
    if text.isascii():
        return _flags_of_bytes(text, escape)
    # As Latin-1, each byte is a character. BuildKit's flags are garbled in this way, so they are not decoded again.
    rest, flags = _flags_of_bytes(text.encode("utf-8", "surrogateescape").decode("latin-1"), escape)
    return rest.encode("latin-1").decode("utf-8", "surrogateescape"), flags


def _flags_of_bytes(text: str, escape: str) -> tuple[str, tuple[str, ...]]:
    flags: list[str] = []
    position = 0
    while True:
        while position < len(text) and text[position] in WHITE_SPACE:
            position += 1
        if not text.startswith("--", position):
            return text[position:], tuple(flags)
        flag, position = _flag(text, position, escape)
        # `--` ends the flags.
        if flag == "--":
            return text[position:], tuple(flags)
        flags.append(flag)


def _flag(text: str, position: int, escape: str) -> tuple[str, int]:
    """The flag at a place, without quotes and escapes, and the place behind it."""
    letters: list[str] = []
    quote = ""
    while position < len(text) and (quote or text[position] not in WHITE_SPACE):
        letter = text[position]
        if letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote = letter
        elif letter != escape:  # unlike in a shell, an escape also counts between single quotes
            letters.append(letter)
        elif position + 1 < len(text):
            position += 1
            letters.append(text[position])
        position += 1
    return "".join(letters), position


def _words(text: str, escape: str) -> list[str]:
    """The words of ENV, LABEL and ARG. Quotes and escapes stay: they are removed when variables are expanded."""
    if not text.isascii():
        text = _NOT_TEXT.sub("\ufffd", text)
    words: list[str] = []
    position = 0
    while position < len(text):
        if text[position] in WHITE_SPACE:
            position += 1
            continue
        word, position = _word(text, position, escape)
        if word:
            words.append(word)
    return words


def _word(text: str, position: int, escape: str) -> tuple[str, int]:
    letters: list[str] = []
    quote = ""
    while position < len(text) and (quote or text[position] not in WHITE_SPACE):
        letter = text[position]
        escaped = letter == escape and quote != "'"  # as in a shell, nothing is escaped between single quotes
        if letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote = letter
        if escaped and position + 1 == len(text):
            # BuildKit drops an escape character at the very end.
            return "".join(letters), len(text)
        letters.append(letter)
        if escaped:
            position += 1
            letters.append(text[position])
        position += 1
    return "".join(letters), position


def _names_and_values(text: str, escape: str, keyword: str) -> tuple[tuple[str, ...], bool]:
    """Names and values in turn."""
    words = _words(text, escape)
    if not words:
        return (), False
    if "=" not in words[0]:  # the old form, `ENV name value`: the value is the rest of the line
        name, *value = _WHITE_SPACE_IN_LINE.split(text, maxsplit=1)
        if not value:
            raise _Refused(f"{keyword} must have two arguments")
        return (name, value[0]), False
    parts: list[str] = []
    for word in words:
        name, sign, rest = word.partition("=")
        if not sign:
            raise _Refused(f"Syntax error - can't find = in {quoted(word)}. Must be of the form: name=value")
        parts += [name, rest]
    return tuple(parts), False


def _split_at_white_space(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    return (tuple(_WHITE_SPACE_IN_LINE.split(text)) if text else ()), False


def _whole(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    return ((text,) if text else ()), False


def _list_or_whole(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    words = _list(text)
    return _whole(text) if words is None else (words, True)


def _list_or_split(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    words = _list(text)
    return _split_at_white_space(text) if words is None else (words, True)


def _healthcheck(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    """The kind (CMD or NONE) and its command. BuildKit searches for the end of the kind byte by byte, so this does, too."""
    raw = text.encode("utf-8", "surrogateescape").decode("latin-1")
    end = next((place for place, byte in enumerate(raw) if byte in WHITE_SPACE), len(raw))
    if not end:
        return (), False
    kind, rest = (
        part.encode("latin-1").decode("utf-8", "surrogateescape") for part in (raw[:end], raw[end:].lstrip(WHITE_SPACE))
    )
    words, is_list = _list_or_whole(rest)
    return (kind, *words), is_list


def _list(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON list; None for text that Go's JSON reader rejects. Raises _Refused for a list of anything else."""
    if not text.lstrip(WHITE_SPACE).startswith("["):
        return None
    # A list that is no valid JSON becomes a shell's command, as in BuildKit; so `RUN [ -f a ]` works.
    try:
        values = json.loads(_NOT_TEXT.sub("\ufffd", text), parse_int=_number, parse_float=_number, parse_constant=_constant)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise _Refused("when using JSON array syntax, arrays must be comprised of strings only")
    # Half of a surrogate pair, written as an escape, is U+FFFD in Go.
    return tuple(_NOT_TEXT.sub("\ufffd", value) for value in values)


def _number(text: str) -> float:
    # Go reads numbers into a float64 and fails where Python gives infinity.
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("Go refuses a number that is out of range")
    return number


def _constant(text: str) -> Any:
    raise ValueError(f"Go knows no {text}")


_READERS: Mapping[str, Callable[[str, str], tuple[tuple[str, ...], bool]]] = MappingProxyType(
    {
        "add": _list_or_split,
        "arg": lambda text, escape: (tuple(_words(text, escape)), False),
        "cmd": _list_or_whole,
        "copy": _list_or_split,
        "entrypoint": _list_or_whole,
        "env": partial(_names_and_values, keyword="ENV"),
        "expose": _split_at_white_space,
        "from": _split_at_white_space,
        "healthcheck": _healthcheck,
        "label": partial(_names_and_values, keyword="LABEL"),
        "maintainer": _whole,
        "run": _list_or_whole,
        "shell": _list_or_whole,
        "stopsignal": _whole,
        "user": _whole,
        "volume": _list_or_split,
        "workdir": _whole,
    }
)
