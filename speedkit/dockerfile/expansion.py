"""Replaces `$NAME` and `${NAME…}` in a Dockerfile's words, as BuildKit does, not as a shell would.

Source of the rules: moby/buildkit, frontend/dockerfile/shell, and the Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

__all__ = ["Noting", "SubstitutionError", "expand", "expand_unquoted"]


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
    return _Words(word, environment, escape, quotes=True).until(None)


def expand_unquoted(word: str, environment: Mapping[str, str]) -> str:
    """As `expand`, but quotes stay: the rule for the bodies of here-documents."""
    return _Words(word, environment, "\\", quotes=False).until(None)


class _Words:
    """A cursor over one word."""

    def __init__(self, source: str, environment: Mapping[str, str], escape: str, *, quotes: bool) -> None:
        self.source = source
        self.position = 0
        self.environment = environment
        self.escape = escape
        self.quotes = quotes

    def peek(self) -> str:
        return self.source[self.position : self.position + 1]

    def take(self) -> str:
        character = self.peek()
        self.position += 1
        return character

    def until(self, stop: str | None, *, keep_escapes: bool = False) -> str:
        result: list[str] = []
        while (character := self.peek()) != "":
            if character == stop:
                self.take()
                return "".join(result)
            result.append(self._piece(character, keep_escapes=keep_escapes))
        if stop is not None:
            raise SubstitutionError(f"syntax error: missing '{stop}'")
        return "".join(result)

    def _piece(self, character: str, *, keep_escapes: bool) -> str:
        if character == "$":
            return self._variable()
        if self.quotes and character == "'":
            return self._single_quoted()
        if self.quotes and character == '"':
            return self._double_quoted(keep_escapes=keep_escapes)
        self.take()
        if character != self.escape:
            return character
        return (character if keep_escapes else "") + self.take()

    def _single_quoted(self) -> str:
        self.take()
        end = self.source.find("'", self.position)
        if end < 0:
            raise SubstitutionError("unexpected end of statement while looking for matching single-quote")
        text = self.source[self.position : end]
        self.position = end + 1
        return text

    def _double_quoted(self, *, keep_escapes: bool) -> str:
        self.take()
        result: list[str] = []
        while (character := self.peek()) != '"':
            if character == "":
                raise SubstitutionError("unexpected end of statement while looking for matching double-quote")
            if character == "$":
                result.append(self._variable())
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
        return "".join(result)

    def _name(self) -> str:
        rest = self.source[self.position :]
        match = re.match(r"\d+|[@*#?\-$!0]|\w+", rest)
        name = match[0] if match else ""
        self.position += len(name)
        return name

    def _variable(self) -> str:
        self.take()
        if self.peek() != "{":
            name = self._name()
            return self.environment.get(name, "") if name else "$"
        self.take()
        if self.peek() == "":
            raise SubstitutionError("syntax error: missing '}'")
        if self.peek() in ("{", "}", ":"):
            raise SubstitutionError("syntax error: bad substitution")
        return self._braced(self._name())

    def _braced(self, name: str) -> str:
        modifier = self.take()
        value = self.environment.get(name)
        if modifier == "}":
            return value or ""
        if modifier == "/":
            return self._replaced(value or "")
        empty_counts_as_unset = modifier == ":"
        if empty_counts_as_unset:
            modifier = self.take()
        known = modifier in ("+", "-", "?", "#", "%")
        word = self._word(keep_escapes=modifier in ("#", "%")) if known or empty_counts_as_unset else ""
        if not known or (empty_counts_as_unset and modifier in "#%"):
            shown = (":" if empty_counts_as_unset else "") + (modifier or "\ufffd")
            raise SubstitutionError(f"unsupported modifier ({shown}) in substitution")
        if modifier in "#%":
            return _trimmed(value or "", modifier, word)
        there = value is not None and not (empty_counts_as_unset and value == "")
        return _chosen(name, value or "", word, modifier, there=there)

    def _word(self, *, keep_escapes: bool) -> str:
        """What stands behind a modifier; at the end of the text every problem is a brace that is missing."""
        try:
            return self.until("}", keep_escapes=keep_escapes)
        except SubstitutionError:
            if self.peek() == "":
                raise SubstitutionError("syntax error: missing '}'") from None
            raise

    def _replaced(self, value: str) -> str:
        every = self.peek() == "/"
        if every:
            self.take()
        pattern = self.until("/", keep_escapes=True)
        replacement = self.until("}", keep_escapes=True)
        expression = re.compile(_as_regex(pattern, greedy=True), re.DOTALL)
        return expression.sub(lambda _: replacement, value, count=0 if every else 1)


def _chosen(name: str, value: str, word: str, modifier: str, *, there: bool) -> str:
    if modifier == "-":
        return value if there else word
    if modifier == "+":
        return word if there else ""
    if not there:
        raise SubstitutionError(f"{name}: {word or 'is not allowed to be unset'}")
    return value


def _trimmed(value: str, modifier: str, pattern: str) -> str:
    greedy = pattern.startswith(modifier)
    if greedy:
        pattern = pattern[1:]
    if modifier == "#":
        match = re.match(_as_regex(pattern, greedy=greedy), value)
        return value[match.end() :] if match else value
    starts = range(len(value) + 1) if greedy else range(len(value), -1, -1)
    expression = re.compile(_as_regex(pattern, greedy=True))
    return next((value[:start] for start in starts if expression.fullmatch(value, start)), value)


def _as_regex(pattern: str, *, greedy: bool) -> str:
    result: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            result.append(".*" if greedy else ".*?")
        elif character == "?":
            result.append(".")
        elif character == "\\":
            escaped = next(characters, "")
            if escaped not in ("*", "?", "\\", "}", "/"):
                raise SubstitutionError(f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'")
            result.append(re.escape(escaped))
        else:
            result.append(re.escape(character))
    return "".join(result)
