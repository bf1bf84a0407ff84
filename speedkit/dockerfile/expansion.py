"""Replaces `$NAME` and `${NAME…}` in a Dockerfile's words, as BuildKit does, not as a shell would.

Source of the rules: moby/buildkit, frontend/dockerfile/shell, and the Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterator, Mapping
from functools import lru_cache
from typing import Any

from speedkit.go_regexp import BadPattern, GoRegexp
from speedkit.messages import message

__all__ = ["RecordedLookups", "SubstitutionError", "expand", "expand_unquoted", "expand_where_set"]

_NAME_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"})
_MOST_CHARACTERS = 16 << 20
"""A message to BuildKit has 16 MB at most, so no longer value reaches a builder."""


class SubstitutionError(ValueError):
    """A word cannot be expanded. The text is BuildKit's reason."""


class RecordedLookups(Mapping[str, str]):
    """Variables that record which names were looked up. existing, missing: the names with and without a value."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.existing: set[str] = set()
        self.missing: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        if name in self._variables:
            self.existing.add(name)
        else:
            self.missing[name] = None
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def expand(word: str, environment: Mapping[str, str], *, escape: str = "\\") -> str:
    """The word with its variables replaced, and without quotes and escapes. Raises SubstitutionError."""
    return _without_recursion(_Words(word, environment, escape, quotes=True).until(None))


def expand_unquoted(word: str, environment: Mapping[str, str]) -> str:
    """As `expand`, but quotes stay. BuildKit expands bodies of here-documents like this."""
    return _without_recursion(_Words(word, environment, "\\", quotes=False).until(None))


_Steps = Generator["_Steps", Any, Any]
"""The expansion of a part of a word. It yields the expansion of a nested part, and gets that part's text."""


def _without_recursion(expansion: _Steps) -> str:
    """The text of an expansion. `${A:-${A:-${A:-…` may be nested deeper than Python's stack, so the parts are in a list."""
    open_parts = [expansion]
    text: str | None = None
    problem: SubstitutionError | None = None
    while open_parts:
        part = open_parts[-1]
        try:
            inner = part.throw(problem) if problem else part.send(text)
        except StopIteration as end:
            open_parts.pop()
            text, problem = end.value, None
        except SubstitutionError as error:
            open_parts.pop()
            problem = error
        else:
            open_parts.append(inner)
            text = problem = None
    if problem:
        raise problem
    return text or ""


def expand_where_set(text: str, environment: Mapping[str, str], *, escape: str = "\\") -> str:
    """The text with those variables replaced that have a value; other variables and quotes stay.

    BuildKit makes the name of a RUN like this.
    """
    return _without_recursion(_Words(text, environment, escape, quotes=True, is_name=True).until(None))


class _Words:
    """A cursor over one word.

    quotes: whether quotes have a meaning. is_name: the word is the name of a step; quotes and unset variables stay.
    """

    def __init__(
        self, source: str, environment: Mapping[str, str], escape: str, *, quotes: bool, is_name: bool = False
    ) -> None:
        self.source = source.removeprefix("\ufeff")
        self.position = 0
        self.environment = environment
        self.escape = escape
        self.quotes = quotes
        self.is_name = is_name

    def peek(self) -> str:
        return self.source[self.position : self.position + 1]

    def take(self) -> str:
        character = self.peek()
        self.position += 1
        return character

    def until(self, stop: str | None, *, keep_escapes: bool = False) -> _Steps:
        """The expanded text up to the character `stop`, which is skipped; None: up to the end."""
        result: list[str] = []
        size = 0
        plain = _plain_text(stop or "", self.escape, quotes=self.quotes)
        while (character := self.peek()) != "":
            if character == stop:
                self.take()
                return "".join(result)
            if match := plain.match(self.source, self.position):
                piece = match[0]
                self.position = match.end()
            elif character == "$":
                piece = yield self._variable()
            elif self.quotes and character == "'":
                end = self.source.find("'", self.position + 1)
                if end < 0:
                    self.position = len(self.source)
                    raise SubstitutionError("unexpected end of statement while looking for matching single-quote")
                piece = self.source[self.position : end + 1] if self.is_name else self.source[self.position + 1 : end]
                self.position = end + 1
            elif self.quotes and character == '"':
                piece = yield self._double_quoted(keep_escapes=keep_escapes)
            else:
                # Outside of quotes the escape character escapes whatever follows. A pattern keeps it, for `\*` and `\?`.
                self.take()
                piece = (character if keep_escapes else "") + self.take()
            size = _checked(size + len(piece))
            result.append(piece)
        if stop is not None:
            raise SubstitutionError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(result)

    def _double_quoted(self, *, keep_escapes: bool) -> _Steps:
        self.take()
        result: list[str] = []
        size = 0
        while (character := self.peek()) != '"':
            if character == "":
                raise SubstitutionError("unexpected end of statement while looking for matching double-quote")
            if character == "$":
                value = yield self._variable()
                size = _checked(size + len(value))
                result.append(value)
                continue
            self.take()
            # As in a shell, the escape character escapes only these three between double quotes; else it is a letter.
            if character == self.escape:
                if keep_escapes:
                    result.append(character)
                if self.peek() == "":
                    continue
                if self.peek() in ('"', "$", self.escape):
                    character = self.take()
            result.append(character)
        self.take()
        text = "".join(result)
        return f'"{text}"' if self.is_name else text

    def _name(self) -> str:
        """A variable's name: letters, digits and `_`; or only digits (`$12`); or one special parameter (`$@`)."""
        start = self.position
        if self.peek().isdecimal():
            while self.peek().isdecimal():
                self.position += 1
        elif self.peek() and self.peek() in "@*#?-$!0":
            self.position += 1
        else:
            # Go's unicode.IsLetter and IsDigit; Python's `isalnum` takes other numbers, such as ², as well.
            while (letter := self.peek()) == "_" or (letter and unicodedata.category(letter) in _NAME_CATEGORIES):
                self.position += 1
        return self.source[start : self.position]

    def _variable(self) -> _Steps:
        self.take()
        if self.peek() != "{":
            name = self._name()
            unset = f"${name}" if self.is_name else ""
            return self.environment.get(name, unset) if name else "$"  # a lone dollar stays
        self.take()
        if self.peek() == "":
            raise SubstitutionError("syntax error: missing '}'")
        if self.peek() in ("{", "}", ":"):
            raise SubstitutionError("syntax error: bad substitution")
        # The name may be empty here: BuildKit looks for a variable with no name, which never has a value.
        name = self._name()
        modifier = self.take()
        if modifier == "}":
            value = self.environment.get(name)
            return f"${{{name}}}" if value is None and self.is_name else value or ""
        if modifier == "/":
            value = yield self._replaced(name)
        else:
            value = yield self._modified(name, modifier)
        return value

    def _modified(self, name: str, modifier: str) -> _Steps:
        """`${name:-word}` and its like. BuildKit knows `-`, `+` and `?` with and without a colon, `#` and `%` without."""
        empty_counts_as_unset = modifier == ":"
        if empty_counts_as_unset:
            modifier = self.take()
        shown = (":" if empty_counts_as_unset else "") + (modifier or "\ufffd")
        is_trimming = modifier in ("#", "%")
        is_supported = modifier in ("+", "-", "?") or (is_trimming and not empty_counts_as_unset)
        unsupported = SubstitutionError(f"unsupported modifier ({shown}) in substitution")
        # Behind a colon BuildKit reads the word and looks for the variable before it looks at the modifier. So an error in
        # the word comes first, and in a step's name `${X:=a}` stays while X has no value.
        if not is_supported and (is_trimming or not empty_counts_as_unset):
            raise unsupported
        word = yield self._word("}", keep_escapes=is_trimming)
        value = self.environment.get(name)
        if value is None and self.is_name:
            return f"${{{name}{shown}{word}}}"
        if not is_supported:
            raise unsupported
        if is_trimming:
            return _trimmed(value or "", modifier, word)
        is_set = value is not None and not (empty_counts_as_unset and value == "")
        if modifier == "-":
            return value or "" if is_set else word
        if modifier == "+":
            return word if is_set else ""
        if not is_set:
            problem = "unset" if value is None else "empty"
            raise SubstitutionError(f"{name}: {word or f'is not allowed to be {problem}'}")
        return value or ""

    def _word(self, stop: str, *, keep_escapes: bool) -> _Steps:
        """The word behind a modifier. At the end of the text, BuildKit calls every problem a missing end."""
        try:
            text = yield self.until(stop, keep_escapes=keep_escapes)
        except SubstitutionError as error:
            reason = "syntax error: missing '}'" if stop == "}" else "syntax error: missing '/' in ${}"
            if self.peek() == "" and str(error) != reason:
                raise SubstitutionError(reason) from None
            raise
        return text

    def _replaced(self, name: str) -> _Steps:
        """`${name/pattern/replacement}`, or with `//` for every match."""
        every = self.peek() == "/"
        if every:
            self.take()
        pattern = yield self._word("/", keep_escapes=True)
        replacement = yield self._word("}", keep_escapes=True)
        value = self.environment.get(name)
        if value is None and self.is_name:
            return f"${{{name}/{pattern}/{replacement}}}"  # BuildKit drops the second slash of `//`
        value = value or ""
        regexp = _compiled(pattern, greedy=True, anchored=False)
        if every:
            # In `replacement`, `$0` is the match; without `//` it is plain text. So it is in BuildKit.
            return regexp.replace_all(value, replacement)
        place = regexp.find(value)
        return value[: place[0]] + replacement + value[place[1] :] if place else value


def _checked(size: int) -> int:
    # Values that refer to each other double with each ARG: a short Dockerfile would fill the memory.
    if size > _MOST_CHARACTERS:
        raise SubstitutionError(message("the value is longer than 16 MB, the most that BuildKit accepts"))
    return size


@lru_cache(maxsize=64)
def _plain_text(stop: str, escape: str, *, quotes: bool) -> re.Pattern[str]:
    special = re.escape(stop + escape + "$" + ("'\"" if quotes else ""))
    return re.compile(f"[^{special}]+")


def _trimmed(value: str, modifier: str, pattern: str) -> str:
    """The value without the beginning (`#`) or the end (`%`) that a pattern matches; doubled, the longest match."""
    greedy = pattern.startswith(modifier)
    pattern = pattern[1:] if greedy else pattern
    if modifier == "#":
        return _without_beginning(value, pattern, greedy=greedy)
    # BuildKit trims the end by reversing both: a regular expression finds the leftmost match, not the shortest one at the end.
    reversed_pattern = "".join(reversed(re.findall(r"\\.|.", pattern, re.DOTALL)))
    return _without_beginning(value[::-1], reversed_pattern, greedy=greedy)[::-1]


def _without_beginning(value: str, pattern: str, *, greedy: bool) -> str:
    place = _compiled(pattern, greedy=greedy, anchored=True).find(value)
    return value[place[1] :] if place else value


_SPECIAL_IN_GO = frozenset("[]{}.+()|^$")


@lru_cache(maxsize=256)
def _compiled(pattern: str, *, greedy: bool, anchored: bool) -> GoRegexp:
    """The regular expression for a shell pattern, as BuildKit makes it (convertShellPatternToRegex)."""
    result = ["^"] if anchored else []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        following = pattern[position + 1 : position + 2]
        position += 1
        if character == "*":
            result.append(".*" if greedy else ".*?")
        elif character == "?":
            result.append(".")
        # `\}` and `\/` are escaped for `${…}`, not for the pattern.
        elif character == "\\" and following not in ("}", "/"):
            if following not in ("*", "?", "\\"):
                shown = following or "\ufffd"
                raise SubstitutionError(f"invalid pattern ({pattern}) in substitution: invalid escape '\\{shown}'")
            result.append("\\" + following)
            position += 1
        elif character != "\\":
            result.append(f"\\{character}" if character in _SPECIAL_IN_GO else character)
    try:
        return GoRegexp("".join(result))
    except BadPattern as problem:
        raise SubstitutionError(f"invalid pattern ({pattern}) in substitution: {problem}") from None
