"""Finds the marks of here-documents, `<<NAME`, in an instruction. As BuildKit does, it splits the line into a shell's words.

Variables have no values at this point, so `$NAME` and `${NAME…}` stay as they are. A line that cannot be split has no
here-documents.
Source: moby/buildkit, frontend/dockerfile/parser/parser.go (heredocsFromLine) and shell/lex.go.
"""

from __future__ import annotations

import re
from itertools import takewhile

from speedkit.messages import message

from .go_text import WHITE_SPACE, quoted
from .syntax import Heredoc

__all__ = ["HeredocError", "heredoc_mark", "heredocs_of_line"]

_MARK = re.compile(r"[0-9]*<<(?P<dash>-?)[\t\n\f\r ]*(?P<name>[^<]*)", re.DOTALL)
_PLAIN = re.compile(r"""[^$<'"\\]+""")
_NAME = re.compile(r"\d+|[@*#?\-$!0]|\w+")
_NOT_TEXT = re.compile("[\ud800-\udfff]")
_SPACES_OF_A_MARK = "\t\r "
_AT_WHITE_SPACE = re.compile(f"([{WHITE_SPACE}]+)")
_DEEPEST = 100
"""The limit for nested expansions. Python's stack has room for a few more only."""


class HeredocError(ValueError):
    """BuildKit rejects the mark of a here-document. The text is BuildKit's reason."""


class _SplitError(ValueError):
    """A text that cannot be split into words."""


def heredocs_of_line(line: str) -> list[Heredoc]:
    """The here-documents of an instruction, in order, still without content. Raises HeredocError."""
    try:
        words = _Splitter(line, raw_quotes=True, raw_escapes=True).words()
    except _SplitError:
        return []
    # BuildKit takes a word for a mark only as a whole: `cat<<EOF` opens nothing, `3<<EOF` does.
    marks = [mark for word in words if "<<" in word and (mark := _MARK.fullmatch(word)) and mark["name"]]
    names = [(mark, _name_and_expand(mark["name"])) for mark in marks]
    return [Heredoc(name, "", expand=expand, chomp=bool(mark["dash"])) for mark, (name, expand) in names if name is not None]


def heredoc_mark(word: str) -> Heredoc | None:
    """The here-document for a word of COPY or ADD, without content; None for any other word.

    COPY splits its words at other white space than the search for marks, so a word may end in white space.
    """
    mark = _MARK.fullmatch(word)
    if mark is None or not mark["name"]:
        return None
    try:
        name, expand = _name_and_expand(mark["name"])
    except HeredocError:
        return None
    return None if name is None else Heredoc(name, "", expand=expand, chomp=bool(mark["dash"]))


def _name_and_expand(word: str) -> tuple[str | None, bool]:
    """The name that ends a here-document, and whether its variables are expanded. A quote in the name prevents that."""
    try:
        plain = _Splitter(word, raw_quotes=False, raw_escapes=False).words()
        raw = _Splitter(word, raw_quotes=True, raw_escapes=False).words()
    except _SplitError as problem:
        raise HeredocError(f"failed to process {quoted(word)}: {problem}") from None
    if len(plain) != 1:  # a name has no white space outside of quotes
        return None, False
    if len(raw) != 1:
        raise HeredocError(f"internal lexing of heredoc produced inconsistent results: {word}")
    quotes_in_name, quotes_in_word = (text.count("'") + text.count('"') for text in (plain[0], raw[0]))
    return plain[0], quotes_in_name == quotes_in_word


class _Splitter:
    """A cursor over one text.

    raw_quotes, raw_escapes: whether quotes and escape characters stay in the words. BuildKit always takes the backslash for
    the escape character here, whatever `# escape=` says.
    """

    def __init__(self, source: str, *, raw_quotes: bool, raw_escapes: bool) -> None:
        # Go's text/scanner skips a byte order mark at the start, and reads a byte that is no UTF-8 as U+FFFD.
        self._source = source if source.isascii() else _NOT_TEXT.sub("\ufffd", source).removeprefix("\ufeff")
        self._position = 0
        self._raw_quotes = raw_quotes
        self._raw_escapes = raw_escapes
        self._letters: list[str] = []
        self._depth = 0

    def words(self) -> list[str]:
        return self._until("", raw_escapes=self._raw_escapes)[1]

    def _peek(self) -> str:
        return self._source[self._position : self._position + 1]

    def _take(self) -> str:
        character = self._peek()
        self._position += 1
        return character

    def _until(self, stop: str, *, raw_escapes: bool) -> tuple[str, list[str]]:
        """The text up to the character `stop` ("": up to the end), and its words."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _SplitError(message("too many nested expansions"))
        self._letters.clear()
        outer, self._raw_escapes = self._raw_escapes, raw_escapes
        try:
            return self._pieces(stop)
        finally:
            self._raw_escapes = outer
            self._depth -= 1

    def _pieces(self, stop: str) -> tuple[str, list[str]]:
        result: list[str] = []
        words = _Words(self._letters)
        while character := self._peek():
            if character == stop:
                self._take()
                return "".join(result), words.finished()
            if character == "$":
                # Only a value is split at its white space, quoted text never (lex.go: addString and addRawString).
                piece = self._variable()
                words.add_split(piece)
            elif character in "'\"<":
                piece = self._unsplit(character)
                words.add_whole(piece)
            elif character == "\\":
                backslash = self._take() if self._raw_escapes else self._take()[1:]
                escaped = self._take()
                piece = backslash + escaped
                words.add_whole(piece)
                if not escaped:  # nothing follows the backslash: BuildKit leaves the loop here
                    result.append(piece)
                    break
            else:
                piece = self._plain(stop)
                words.add_split(piece)
            result.append(piece)
        if stop:
            raise _SplitError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(result), words.finished()

    def _plain(self, stop: str) -> str:
        """Characters without a meaning, up to `stop`."""
        match = _PLAIN.match(self._source, self._position)
        if match is None:
            raise AssertionError("call this only before a plain character")
        end = match[0].find(stop) if stop else -1
        text = match[0] if end < 0 else match[0][:end]
        self._position += len(text)
        return text

    def _unsplit(self, character: str) -> str:
        """Text that white space does not split: in quotes, or `<<` with the white space before the name."""
        if character == "'":
            end = self._source.find("'", self._position + 1)
            if end < 0:
                raise _SplitError("unexpected end of statement while looking for matching single-quote")
            quoted_text = self._source[self._position : end + 1]
            self._position = end + 1
            return quoted_text if self._raw_quotes else quoted_text[1:-1]
        if character == '"':
            return self._double_quoted()
        self._take()
        if self._peek() != "<":
            return "<"
        start = self._position - 1
        self._take()
        while self._peek() and self._peek() in _SPACES_OF_A_MARK:
            self._take()
        return self._source[start : self._position]

    def _double_quoted(self) -> str:
        result = [self._take()]
        while (character := self._peek()) != '"':
            if not character:
                raise _SplitError("unexpected end of statement while looking for matching double-quote")
            if character == "$":
                result.append(self._variable())
                continue
            self._take()
            # Between double quotes a backslash escapes only `"`, `$` and itself.
            if character == "\\":
                if self._raw_escapes:
                    result.append(character)
                if not self._peek():
                    continue
                if self._peek() in '"$\\':
                    character = self._take()
            result.append(character)
        result.append(self._take())
        return "".join(result) if self._raw_quotes else "".join(result[1:-1])

    def _name(self) -> str:
        match = _NAME.match(self._source, self._position)
        name = match[0] if match else ""
        if not name.isascii():
            # A name in Go has letters and decimal digits only; Python's `\w` also matches other numbers, such as ² (U+00B2).
            name = "".join(takewhile(lambda letter: letter == "_" or letter.isalpha() or letter.isdecimal(), name))
        self._position += len(name)
        return name

    def _variable(self) -> str:
        """`$NAME` or `${NAME…}` as it is, since no variable has a value."""
        self._take()
        if self._peek() != "{":
            return "$" + self._name()
        self._take()
        if self._peek() == "":
            raise _SplitError("syntax error: missing '}'")
        if self._peek() in "{}:":
            raise _SplitError("syntax error: bad substitution")
        return self._braced(self._name())

    def _braced(self, name: str) -> str:
        modifier = self._take()
        if modifier == "}":
            return f"${{{name}}}"
        if modifier == "/":
            if self._peek() == "/":
                self._take()
            pattern = self._part("/", "missing '/' in ${}")
            replacement = self._part("}", "missing '}'")
            return f"${{{name}/{pattern}/{replacement}}}"
        colon = modifier == ":"
        if colon:
            modifier = self._take()
        shown = (":" if colon else "") + (modifier or "\ufffd")
        # Behind `#` and `%` is a pattern, in which an escaped star is no wildcard: its escapes have to stay.
        raw_escapes = modifier in ("#", "%")
        # BuildKit refuses an unknown modifier behind a colon only when the variable has a value, which it never has here.
        if (colon and raw_escapes) or (not colon and modifier not in ("+", "-", "?", "#", "%")):
            raise _SplitError(f"unsupported modifier ({shown}) in substitution")
        try:
            word, _ = self._until("}", raw_escapes=raw_escapes)
        except _SplitError:
            if self._peek() == "":
                raise _SplitError("syntax error: missing '}'") from None
            raise
        return f"${{{name}{shown}{word}}}"

    def _part(self, stop: str, missing: str) -> str:
        try:
            return self._until(stop, raw_escapes=True)[0]
        except _SplitError:
            if self._peek() == "":
                raise _SplitError(f"syntax error: {missing}") from None
            raise


class _Words:
    """The words of a text so far. letters: of the word that has not ended.

    In BuildKit a nested text, such as a default value, uses the same buffer for its letters and empties it. So it does here.
    """

    def __init__(self, letters: list[str]) -> None:
        self._letters = letters
        self._open = False
        self._words: list[str] = []

    def add_whole(self, text: str) -> None:
        self._letters.append(text)
        self._open = True

    def add_split(self, text: str) -> None:
        """Adds text in which white space ends a word."""
        for part in _AT_WHITE_SPACE.split(text):
            if part and part[0] in WHITE_SPACE:
                if self._open:
                    self._end()
            elif part:
                self._letters.append(part)
                self._open = True

    def finished(self) -> list[str]:
        self._end()
        return self._words

    def _end(self) -> None:
        word = "".join(self._letters)
        if word:
            self._words.append(word)
            self._letters.clear()
            self._open = False
