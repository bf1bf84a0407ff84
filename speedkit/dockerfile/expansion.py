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

__all__ = ["Noting", "SubstitutionError", "expand", "expand_unquoted", "expand_where_set"]

_MOST_CHARACTERS = 16 << 20
"""A longer value reaches no builder: a message to BuildKit has 16 MB at most."""


class SubstitutionError(ValueError):
    """A word that cannot be expanded; the text is BuildKit's reason."""


class Noting(Mapping[str, str]):
    """Variables that note which names they were asked for: those they have, and those they lack."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.found: set[str] = set()
        self.missing: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        if name in self._variables:
            self.found.add(name)
        else:
            self.missing[name] = None
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def expand(word: str, environment: Mapping[str, str], *, escape: str = "\\") -> str:
    """The word with variables replaced, quotes and escapes removed. Raises SubstitutionError."""
    return _without_recursion(_Words(word, environment, escape, quotes=True).until(None))


def expand_unquoted(word: str, environment: Mapping[str, str]) -> str:
    """As `expand`, but quotes stay: the rule for the bodies of here-documents."""
    return _without_recursion(_Words(word, environment, "\\", quotes=False).until(None))


_Steps = Generator["_Steps", Any, Any]
"""The work on a part of a word: it yields the work on a part of that part, and gets the text that comes of it."""


def _without_recursion(work: _Steps) -> str:
    """Does the work. `${A:-${A:-${A:-…` may go deeper than Python's own stack."""
    open_parts = [work]
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
    """The text with the variables replaced that have a value; quotes and all others stay: how BuildKit names a RUN."""
    return _without_recursion(_Words(text, environment, escape, quotes=True, is_name=True).until(None))


class _Words:
    """A cursor over one word. is_name: of a step, in which quotes and what has no value stay."""

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
        """The text up to a character, which is passed over; up to the end for None."""
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
                piece = self._single_quoted()
            elif self.quotes and character == '"':
                piece = yield self._double_quoted(keep_escapes=keep_escapes)
            else:
                self.take()
                piece = (character if keep_escapes else "") + self.take()
            size = _checked(size + len(piece))
            result.append(piece)
        if stop is not None:
            raise SubstitutionError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(result)

    def _single_quoted(self) -> str:
        self.take()
        end = self.source.find("'", self.position)
        if end < 0:
            self.position = len(self.source)
            raise SubstitutionError("unexpected end of statement while looking for matching single-quote")
        text = self.source[self.position : end]
        self.position = end + 1
        return f"'{text}'" if self.is_name else text

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
        """A name of letters, digits and `_`; of digits alone when it begins with one; or one special parameter."""
        start = self.position
        if self.peek().isdecimal():
            while self.peek().isdecimal():
                self.position += 1
        elif self.peek() and self.peek() in "@*#?-$!0":
            self.position += 1
        else:
            while _is_of_a_name(self.peek()):
                self.position += 1
        return self.source[start : self.position]

    def _variable(self) -> _Steps:
        self.take()
        if self.peek() != "{":
            name = self._name()
            unset = f"${name}" if self.is_name else ""
            return self.environment.get(name, unset) if name else "$"
        self.take()
        if self.peek() == "":
            raise SubstitutionError("syntax error: missing '}'")
        if self.peek() in ("{", "}", ":"):
            raise SubstitutionError("syntax error: bad substitution")
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
        empty_counts_as_unset = modifier == ":"
        if empty_counts_as_unset:
            modifier = self.take()
        shown = (":" if empty_counts_as_unset else "") + (modifier or "\ufffd")
        is_trimming = modifier in ("#", "%")
        known = modifier in ("+", "-", "?") or (is_trimming and not empty_counts_as_unset)
        if known or (empty_counts_as_unset and not is_trimming):
            word = yield self._word("}", keep_escapes=is_trimming)
        if not known:
            raise SubstitutionError(f"unsupported modifier ({shown}) in substitution")
        value = self.environment.get(name)
        if value is None and self.is_name:
            return f"${{{name}{shown}{word}}}"
        if is_trimming:
            return _trimmed(value or "", modifier, word)
        there = value is not None and not (empty_counts_as_unset and value == "")
        if modifier == "-":
            return value or "" if there else word
        if modifier == "+":
            return word if there else ""
        if not there:
            lacking = "unset" if value is None else "empty"
            raise SubstitutionError(f"{name}: {word or f'is not allowed to be {lacking}'}")
        return value or ""

    def _word(self, stop: str, *, keep_escapes: bool) -> _Steps:
        """What stands behind a modifier; at the end of the text every problem is an end that is missing."""
        try:
            text = yield self.until(stop, keep_escapes=keep_escapes)
        except SubstitutionError as error:
            reason = "syntax error: missing '}'" if stop == "}" else "syntax error: missing '/' in ${}"
            if self.peek() == "" and str(error) != reason:
                raise SubstitutionError(reason) from None
            raise
        return text

    def _replaced(self, name: str) -> _Steps:
        every = self.peek() == "/"
        if every:
            self.take()
        pattern = yield self._word("/", keep_escapes=True)
        replacement = yield self._word("}", keep_escapes=True)
        value = self.environment.get(name) or ""
        regexp = _compiled(pattern, greedy=True, anchored=False)
        if every:
            return regexp.replace_all(value, replacement)
        place = regexp.find(value)
        return value[: place[0]] + replacement + value[place[1] :] if place else value


def _checked(size: int) -> int:
    if size > _MOST_CHARACTERS:
        raise SubstitutionError(message("the value is longer than 16 MB, which BuildKit does not take"))
    return size


@lru_cache(maxsize=64)
def _plain_text(stop: str, escape: str, *, quotes: bool) -> re.Pattern[str]:
    special = re.escape(stop + escape + "$" + ("'\"" if quotes else ""))
    return re.compile(f"[^{special}]+")


def _is_of_a_name(character: str) -> bool:
    return character == "_" or (character != "" and unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd"))


def _trimmed(value: str, modifier: str, pattern: str) -> str:
    greedy = pattern.startswith(modifier)
    pattern = pattern[1:] if greedy else pattern
    if modifier == "#":
        return _without_beginning(value, pattern, greedy=greedy)
    return _without_beginning(value[::-1], _reversed(pattern), greedy=greedy)[::-1]


def _without_beginning(value: str, pattern: str, *, greedy: bool) -> str:
    place = _compiled(pattern, greedy=greedy, anchored=True).find(value)
    return value[place[1] :] if place else value


def _reversed(pattern: str) -> str:
    """The pattern from behind, with escapes before what they escape."""
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join(reversed(pieces))


_SPECIAL_IN_GO = frozenset("[]{}.+()|^$")


@lru_cache(maxsize=256)
def _compiled(pattern: str, *, greedy: bool, anchored: bool) -> GoRegexp:
    """The expression that BuildKit makes of a pattern (convertShellPatternToRegex)."""
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
