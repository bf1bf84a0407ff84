"""Splits a Dockerfile into instructions, as BuildKit's own parser does: lines, escapes, here-documents, words, directives.

In: the text, with bytes that are no UTF-8 as lone surrogates. Out: a `Parsed`; or `ParseError` with the line that BuildKit
names. It takes linear time. What BuildKit reads byte by byte is read so here too, with its oddities: a flag that is not ASCII
comes out garbled, and the byte 0xA0 inside a letter ends it.
Source: moby/buildkit, frontend/dockerfile/parser (parser.go, line_parsers.go, split_command.go, directives.go).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
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
    """Why BuildKit's parser refuses a Dockerfile, in its words. line: the one that it names, if any."""

    def __init__(self, reason: str, line: int | None) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class Command:
    """One instruction. keyword: as written. original: its lines joined, without the bodies of here-documents.

    words: what stands behind the keyword and the flags; for a shell, all of it as one. trigger: what an ONBUILD holds back.
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
    """A whole Dockerfile, as far as the parser reads it."""

    commands: tuple[Command, ...]
    escape: str


def parse(text: str, *, escape: str = "\\") -> Parsed:
    """The instructions of a Dockerfile. Raises ParseError.

    escape: the escape character where the text itself does not say.
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
                line = line.removeprefix("\ufeff")
            # A directive's line is named as the one before it: BuildKit has not counted it yet.
            stripped = self._processed(line.rstrip("\r\n").lstrip(WHITE_SPACE), self._number - 1)
            start = self._number
            piece, continues = self._without_continuation(stripped)
            if piece or continues:
                joined = self._joined(piece) if continues else piece
                commands.append(self._command(joined, start))
        if not commands:
            raise ParseError("file with no instructions", self._number or None)
        if self._too_long:
            raise ParseError(f"dockerfile line greater than max allowed size of {MAX_LINE_BYTES}", self._number or None)
        return Parsed(tuple(commands), self._escape)

    def _next(self) -> str | None:
        """The next line with its end; None behind the last one, and from a line on that is too long."""
        if self._too_long:
            return None
        line = next(self._lines, None)
        if line is not None and _size(line) > MAX_LINE_BYTES:
            self._too_long = True
            return None
        if line is not None:
            self._number += 1
        return line

    def _processed(self, line: str, number_in_errors: int) -> str:
        """A line as an instruction has it: nothing of a comment. Directives count until the first line that is none."""
        try:
            directive = self._directives.read(line)
            if directive is not None and directive.name == "escape":
                self._escape = _checked_escape(directive.value)
        except DirectiveError as problem:
            raise ParseError(str(problem), number_in_errors or None) from None
        return "" if _is_comment(line) else line

    def _without_continuation(self, line: str) -> tuple[str, bool]:
        """The line without an escape character at its end, and whether it had one. An escaped one counts for nothing."""
        shortened = line.rstrip(" \t")
        if shortened.endswith(self._escape) and shortened[-2:-1] != self._escape:
            return shortened[:-1], True
        return line, False

    def _joined(self, first: str) -> str:
        """An instruction that goes on over several lines, as one."""
        pieces = [first]
        while (line := self._next()) is not None:
            piece = self._processed(line.rstrip("\r\n"), self._number - 1)
            if not piece.strip(WHITE_SPACE):
                continue
            piece, continues = self._without_continuation(piece)
            pieces.append(piece)
            if not continues:
                break
        # BuildKit goes on with the beginning of a line that is too long, as with one more line, before it refuses it.
        self._number += self._too_long
        return "".join(pieces)

    def _command(self, line: str, start: int) -> Command:
        try:
            command = _command_of(line, self._escape)
            inner = command.trigger or command
            bodies: list[Heredoc] = []
            if "<<" in line and inner.keyword.lower() in _MAY_HOLD_HEREDOCS and not inner.json:
                bodies = [self._body(mark) for mark in heredocs_of_line(line)]
        except (HeredocError, _Refused) as problem:
            raise ParseError(str(problem), start) from None
        return replace(command, line=start, end_line=self._number, heredocs=tuple(bodies))

    def _body(self, mark: Heredoc) -> Heredoc:
        content: list[str] = []
        while (line := self._next()) is not None:
            end = line.rstrip("\r\n")
            if (end.lstrip("\t") if mark.chomp else end) == mark.name:
                return replace(mark, content="".join(content))
            content.append(line)
        raise _Refused("unterminated heredoc")


class _Refused(ValueError):
    """What BuildKit does not accept in an instruction, in its words."""


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends. They end at a newline, and at nothing else that Python takes for an end."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _size(line: str) -> int:
    """How many bytes a line has without the newline."""
    length = len(line) - line.endswith("\n")
    if length * 4 <= MAX_LINE_BYTES or line.isascii():
        return length
    return len(line.removesuffix("\n").encode("utf-8", "surrogateescape"))


def _is_comment(line: str) -> bool:
    return line.lstrip(WHITE_SPACE).startswith("#")


def _checked_escape(character: str) -> str:
    if character not in ("`", "\\"):
        raise DirectiveError(f"invalid escape token '{character}' does not match ` or \\")
    return character


def _command_of(line: str, escape: str, *, held_back: bool = False) -> Command:
    keyword, *rest = _WHITE_SPACE_IN_LINE.split(line.strip(WHITE_SPACE), maxsplit=1)
    after_flags, flags = _flags(rest[0], escape) if rest else ("", ())
    text = after_flags.strip(WHITE_SPACE)
    if keyword.lower() == "onbuild" and held_back:
        # ONBUILD within ONBUILD is refused later; how deep it goes on does not matter.
        return Command(keyword, flags, (text,) if text else (), json=False, original=line)
    if keyword.lower() == "onbuild":
        trigger = _command_of(text, escape, held_back=True) if text else None
        words, is_list = (trigger.words, trigger.json) if trigger else ((), False)
        return Command(keyword, flags, words, is_list, line, trigger=trigger)
    words, is_list = _READERS.get(keyword.lower(), _unknown)(text, escape)
    return Command(keyword, flags, words, is_list, line)


def _flags(text: str, escape: str) -> tuple[str, tuple[str, ...]]:
    """What stands behind the flags, and the flags, without quotes and escapes."""
    if text[:1].isascii() and not text.startswith("--"):
        return text, ()
    if text.isascii():
        return _flags_of_bytes(text, escape)
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
        # BuildKit looks for what follows `--` only where white space does.
        if flag == "--":
            return text[position:], tuple(flags)
        flags.append(flag)


def _flag(text: str, position: int, escape: str) -> tuple[str, int]:
    """One flag, and where it ends."""
    letters: list[str] = []
    quote = ""
    while position < len(text) and (quote or text[position] not in WHITE_SPACE):
        letter = text[position]
        if letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote = letter
        elif letter != escape:
            letters.append(letter)
        elif position + 1 < len(text):
            position += 1
            letters.append(text[position])
        position += 1
    return "".join(letters), position


def _words(text: str, escape: str) -> list[str]:
    """Words with their quotes and escapes, as ENV, LABEL and ARG have them."""
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
        escaped = letter == escape and quote != "'"
        if letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote = letter
        if escaped and position + 1 == len(text):
            # An escape character at the very end is left out.
            return "".join(letters), len(text)
        letters.append(letter)
        if escaped:
            position += 1
            letters.append(text[position])
        position += 1
    return "".join(letters), position


def _names_and_values(text: str, escape: str, keyword: str) -> tuple[tuple[str, ...], bool]:
    """Names and values by turns."""
    words = _words(text, escape)
    if not words:
        return (), False
    if "=" not in words[0]:
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


def _env(text: str, escape: str) -> tuple[tuple[str, ...], bool]:
    return _names_and_values(text, escape, "ENV")


def _label(text: str, escape: str) -> tuple[tuple[str, ...], bool]:
    return _names_and_values(text, escape, "LABEL")


def _names(text: str, escape: str) -> tuple[tuple[str, ...], bool]:
    return tuple(_words(text, escape)), False


def _split_at_white_space(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    return (tuple(_WHITE_SPACE_IN_LINE.split(text)) if text else ()), False


def _unknown(_text: str, _escape: str) -> tuple[tuple[str, ...], bool]:
    """One empty word, so that an ONBUILD of it is not taken for one without a word."""
    return ("",), False


def _whole(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    return ((text,) if text else ()), False


def _list_or_whole(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    words = _list(text)
    return _whole(text) if words is None else (words, True)


def _list_or_split(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    words = _list(text)
    return _split_at_white_space(text) if words is None else (words, True)


def _healthcheck(text: str, _escape: str = "") -> tuple[tuple[str, ...], bool]:
    """The kind, and what follows it. Where the kind ends is looked for byte by byte."""
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
    """The strings of a list in brackets; None where it is none that Go's JSON reader takes."""
    if not text.lstrip(WHITE_SPACE).startswith("["):
        return None
    try:
        values = json.loads(_NOT_TEXT.sub("\ufffd", text), parse_int=_number, parse_float=_number, parse_constant=_constant)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise _Refused("when using JSON array syntax, arrays must be comprised of strings only")
    # Halves of a pair, escaped, are no text.
    return tuple(_NOT_TEXT.sub("\ufffd", value) for value in values)


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("Go refuses a number that is out of range")
    return number


def _constant(text: str) -> Any:
    raise ValueError(f"Go knows no {text}")


_READERS: Mapping[str, Callable[[str, str], tuple[tuple[str, ...], bool]]] = MappingProxyType(
    {
        "add": _list_or_split,
        "arg": _names,
        "cmd": _list_or_whole,
        "copy": _list_or_split,
        "entrypoint": _list_or_whole,
        "env": _env,
        "expose": _split_at_white_space,
        "from": _split_at_white_space,
        "healthcheck": _healthcheck,
        "label": _label,
        "maintainer": _whole,
        "run": _list_or_whole,
        "shell": _list_or_whole,
        "stopsignal": _whole,
        "user": _whole,
        "volume": _list_or_split,
        "workdir": _whole,
    }
)
