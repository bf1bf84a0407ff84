"""The commands in a shell's text, with their places in it, for rules that look for programs in a RUN or split it.

This reads as much of the shell's grammar as that needs: quotes, substitutions, operators, groups and compound commands. What it
does not understand makes a command "nested", which no rule moves or splits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

__all__ = ["Piece", "ShellCommand", "ShellText", "read_shell"]

_OPERATOR = re.compile(r"&&|\|\||;;|[;&|\n]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_REDIRECTION = re.compile(r"\d*(?:>>?|<|>&|<&|&>>?)")
_OPENING = frozenset({"if", "for", "while", "until", "case", "{"})
_CLOSING = frozenset({"fi", "done", "esac", "}"})
_PREFIXES = frozenset({"then", "else", "elif", "do", "!"})
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """One command. words: without quotes, the program first; substitutions stay as written. assignments: `A=1` in front.

    start, end: its place in the text. nested: it is part of a group, a compound command or a substitution.
    redirections: the targets of `<` and `>`.
    """

    words: tuple[str, ...]
    assignments: tuple[str, ...]
    start: int
    end: int
    nested: bool = False
    redirections: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """The name of the program without its folder."""
        return self.words[0].rpartition("/")[2] if self.words else ""

    @property
    def options(self) -> frozenset[str]:
        """The options, without the values behind `=`."""
        return frozenset(word.partition("=")[0] for word in self.words[1:] if word.startswith("-"))

    @property
    def operands(self) -> tuple[str, ...]:
        """The words behind the program that are no options."""
        return tuple(word for word in self.words[1:] if not word.startswith("-"))

    def begins(self, *words: str) -> bool:
        """Whether these are its first words, options left out."""
        return (self.program, *self.operands)[: len(words)] == words


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text between operators at its top. before: the operator in front of it, "" for the first piece.

    commands: all in it, the nested ones as well. start, end: its place in the text.
    """

    before: str
    start: int
    end: int
    commands: tuple[ShellCommand, ...]

    @property
    def command(self) -> ShellCommand | None:
        """The command, when the piece is a single simple command."""
        return self.commands[0] if len(self.commands) == 1 and not self.commands[0].nested else None


@dataclass(frozen=True, slots=True)
class ShellText:
    pieces: tuple[Piece, ...]

    @property
    def commands(self) -> tuple[ShellCommand, ...]:
        return tuple(command for piece in self.pieces for command in piece.commands)

    @property
    def is_and_chain(self) -> bool:
        """Whether all pieces are joined by `&&`: then the text means the same when each is a RUN of its own, apart from `cd`
        and variables."""
        return all(piece.before in ("", "&&") for piece in self.pieces)

    @property
    def stops_at_failure(self) -> bool:
        """Whether the first command that fails ends the text: a chain of `&&`, or, behind `set -e`, also of `;`.

        A command that fails before an `&&` does not end a shell with `set -e`, so those two are not mixed.
        https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#set
        """
        first = self.pieces[0].command if self.pieces else None
        is_strict = first is not None and first.program == "set" and any(re.match(r"-[a-z]*e", word) for word in first.words)
        return self.is_and_chain or (is_strict and all(piece.before in (";", "\n") for piece in self.pieces[1:]))


def read_shell(text: str, *, start: int = 0) -> ShellText:
    """The commands of a text. start: where to begin."""
    return _Reader(text, start).read()


class _Reader:
    """A cursor over the text; `_words` is the command that it is in, `_commands` and `_start` are of the piece."""

    def __init__(self, text: str, start: int, recursion: int = 0) -> None:
        self._text = text
        self._position = start
        self._recursion = recursion
        self._pieces: list[Piece] = []
        self._commands: list[ShellCommand] = []
        self._words: list[tuple[str, int, int]] = []
        self._start: int | None = None
        self._before = ""
        self._depth = 0

    def read(self) -> ShellText:
        text, size = self._text, len(self._text)
        while self._position < size:
            letter = text[self._position]
            if letter in " \t\r":
                self._position += 1
            elif letter == "#":
                end = text.find("\n", self._position)
                self._position = size if end < 0 else end
            elif letter in "()":
                self._start = self._position if self._start is None else self._start
                self._end_command()
                self._depth = self._depth + 1 if letter == "(" else max(0, self._depth - 1)
                self._position += 1
            elif (operator := _OPERATOR.match(text, self._position)) and not _is_redirection(text, self._position):
                self._end_command()
                self._end_piece(operator[0])
                self._position = operator.end()
            else:
                self._start = self._position if self._start is None else self._start
                begin = self._position
                word = self._word(self._commands)
                # A character that ends a word, and is no operator here.
                self._position += self._position == begin
                self._words.append((word, begin, self._position))
        self._end_command()
        self._depth = 0
        self._end_piece("")
        return ShellText(tuple(self._pieces))

    def _end_piece(self, operator: str) -> None:
        """Ends the piece before an operator; inside of a group, the operator is part of the piece."""
        if self._depth > 0:
            return
        if self._start is not None:
            end = self._start + len(self._text[self._start : self._position].rstrip())
            self._pieces.append(Piece(self._before, self._start, end, tuple(self._commands)))
            self._commands.clear()
            self._start, self._before = None, operator
        elif operator != "\n":
            self._before = operator

    def _end_command(self) -> None:
        words = self._words
        nested = self._depth > 0
        while words and words[0][0] in _PREFIXES | _OPENING | _CLOSING:
            word = words.pop(0)[0]
            nested = nested or word not in _PREFIXES
            self._depth = max(0, self._depth + (word in _OPENING) - (word in _CLOSING))
        if words:
            command = _command(words)
            self._commands.append(replace(command, nested=nested) if nested else command)
        words.clear()

    def _word(self, commands: list[ShellCommand]) -> str:
        """The word at the position, without quotes. commands: takes the commands of substitutions in it."""
        text, size = self._text, len(self._text)
        letters: list[str] = []
        quote = ""
        while self._position < size:
            letter = text[self._position]
            if letter == "'" and quote != '"':
                end = text.find("'", self._position + 1)
                end = size if end < 0 else end
                letters.append(text[self._position + 1 : end])
                self._position = end + 1
            elif letter == "\\" and self._position + 1 < size:
                letters.append(text[self._position + 1])
                self._position += 2
            elif text.startswith(("$(", "${", "`"), self._position):
                letters.append(self._substitution(commands))
            elif letter == '"':
                quote = "" if quote else '"'
                self._position += 1
            elif not quote and (letter in " \t\r\n;()|" or (letter == "&" and not _is_redirection(text, self._position))):
                break
            else:
                letters.append(letter)
                self._position += 1
        return "".join(letters)

    def _substitution(self, commands: list[ShellCommand]) -> str:
        text, begin = self._text, self._position
        if text[begin] == "`":
            end = text.find("`", begin + 1) + 1 or len(text)
            inner = text[begin + 1 : end - 1]
        else:
            end = _closing(text, begin + 1)
            inner = text[begin + 2 : end - 1] if text[begin + 1] == "(" else ""
        if inner and self._recursion < _DEEPEST:
            nested = _Reader(inner, 0, self._recursion + 1).read()
            commands += [replace(command, start=begin, end=end, nested=True) for command in nested.commands]
        self._position = end
        return text[begin:end]


def _closing(text: str, begin: int) -> int:
    """The place behind the bracket that closes the one at `begin`."""
    opening = text[begin]
    closing = ")" if opening == "(" else "}"
    level, quote = 0, ""
    end = begin
    while end < len(text):
        letter = text[end]
        if letter == "\\" and quote != "'":
            end += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        else:
            level += (letter == opening) - (letter == closing)
            if level == 0:
                break
        end += 1
    return min(end + 1, len(text))


def _is_redirection(text: str, position: int) -> bool:
    """Whether an `&` at a place is part of `2>&1` or `&>file`."""
    return text[position] == "&" and (text[position - 1 : position] in ("<", ">") or text.startswith("&>", position))


def _command(words: list[tuple[str, int, int]]) -> ShellCommand:
    assignments: list[str] = []
    plain: list[str] = []
    redirections: list[str] = []
    expects_target = False
    for word, _, _ in words:
        if expects_target:
            redirections.append(word)
            expects_target = False
        elif (sign := _REDIRECTION.match(word)) is not None:
            redirections += [word[sign.end() :]] if sign.end() < len(word) else []
            expects_target = sign.end() == len(word)
        elif not plain and _ASSIGNMENT.match(word):
            assignments.append(word)
        else:
            plain.append(word)
    return ShellCommand(tuple(plain), tuple(assignments), words[0][1], words[-1][2], redirections=tuple(redirections))
