"""Ignore files, matched exactly as BuildKit matches them, in a time that grows with the path and not with its stars.

Source of the rules: moby/patternmatcher and its `ignorefile` package, tonistiigi/fsutil (filter.go). They are not
those of git: a pattern is anchored at the context's root, `**` stands for any number of folders, the last matching line
wins, and what is below an ignored folder can come back with `!`.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from speedkit.errors import Misuse
from speedkit.go_regexp import BadPattern, GoRegexp, without_surrogates
from speedkit.messages import message

from .path_match import raise_if_malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["IgnorePatterns", "Matched", "read_ignore_file"]

Matched = tuple[int, ...]
"""The numbers of the patterns that match a folder; what lies below it inherits them. Empty for the root."""

_Kind = Literal["exact", "prefix", "suffix", "expression"]

_ESCAPED_BY_MOBY = frozenset(".+()$")
"""What moby takes from Go's regexp its meaning. `|`, `{` and `}` are in its list as well, but are never escaped: its bitmap
has room for the characters below 64 only. So `a|b*` leaves out all that begins with `a`."""
_PATTERN_SPECIAL = frozenset("*[]?^\\")
_GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go's strings.TrimSpace takes off; Python's `strip` takes \\x1c to \\x1f as well."""
_MOST_IN_A_GROUP = 500
_MOST_CHARACTERS_IN_A_GROUP = 20_000


def read_ignore_file(text: str) -> tuple[str, ...]:
    """The patterns of an ignore file, cleaned, in order."""
    patterns = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = line.strip(_GO_SPACE)
        if line.startswith("#") or not pattern:
            continue
        negated = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip(_GO_SPACE) if negated else pattern
        if pattern:
            pattern = _clean(pattern)
            pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
        patterns.append(f"!{pattern}" if negated else pattern)
    return tuple(patterns)


def _clean(path: str) -> str:
    """`posixpath.normpath`, which unlike Go's Clean keeps two leading slashes."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


class _Pattern:
    """One pattern, compiled when a path is first held against it: most of a long file never is."""

    def __init__(self, text: str, *, negated: bool) -> None:
        self.text = text
        self.negated = negated
        self.kind, self.expression = _compiled(text)

    @cached_property
    def regexp(self) -> GoRegexp:
        return GoRegexp(self.expression)

    @property
    def is_closed(self) -> bool:
        """Whether the expression compiles for sure, and means the same with others beside it: no class is open at its end."""
        return not set(self.text) & {"[", "\\", "{"}


class IgnorePatterns:
    """The patterns of one ignore file, ready to match. Raises Misuse for a pattern that BuildKit rejects."""

    def __init__(self, patterns: Sequence[str], *, origin: str = ".dockerignore") -> None:
        self._patterns = tuple(_pattern(text, origin) for text in patterns)
        self._index = _Index(self._patterns)
        exceptions = [_without_trailing_glob(pattern.text) for pattern in self._patterns if pattern.negated]
        self._exceptions_are_prefixes = not any(set(text) & _PATTERN_SPECIAL for text in exceptions)
        self._exceptions = sorted(f"{text}/" for text in exceptions)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, path: str, parent: Matched) -> tuple[bool, Matched]:
        """Whether a path is ignored, and what its children inherit.

        As in BuildKit, a pattern is not asked where its answer would change nothing, and then it is not inherited.
        """
        fitting = self._index.fitting(path)
        if not fitting and not parent:
            return False, ()
        inherited = set(parent)
        ignored = False
        matched = []
        for number in sorted(fitting | inherited):
            negated = self._patterns[number].negated
            if number in inherited or negated == ignored:
                matched.append(number)
                ignored = not negated
        return ignored, tuple(matched)

    def may_hold_exceptions(self, folder: str) -> bool:
        """Whether an ignored folder has to be searched for what `!` brings back."""
        if not self._exceptions_are_prefixes:
            return True
        place = bisect_left(self._exceptions, f"{folder}/")
        return place < len(self._exceptions) and self._exceptions[place].startswith(f"{folder}/")


class _Index:
    """Which patterns fit a path, found without holding it against each of them."""

    def __init__(self, patterns: Sequence[_Pattern]) -> None:
        self._patterns = patterns
        self._exact: defaultdict[str, set[int]] = defaultdict(set)
        self._prefixes: defaultdict[str, set[int]] = defaultdict(set)
        self._suffixes: defaultdict[str, set[int]] = defaultdict(set)
        expressions: list[int] = []
        for number, pattern in enumerate(patterns):
            text = pattern.text
            if pattern.kind == "exact":
                self._exact[text].add(number)
            elif pattern.kind == "prefix":
                self._prefixes[text[:-2]].add(number)
            elif pattern.kind == "suffix":
                self._suffixes[text[2:]].add(number)
                if text.startswith("**/"):
                    self._exact[text[3:]].add(number)
            else:
                expressions.append(number)
        self._prefix_lengths = sorted({len(text) for text in self._prefixes})
        self._suffix_lengths = sorted({len(text) for text in self._suffixes})
        self._groups = [(GoRegexp(_any_of(group, patterns)), group) for group in _groups(expressions, patterns)]

    def fitting(self, path: str) -> set[int]:
        numbers = set(self._exact.get(path, ()))
        size = len(path)
        for length in self._prefix_lengths:
            if length > size:
                break
            numbers.update(self._prefixes.get(path[:length], ()))
        for length in self._suffix_lengths:
            if length > size:
                break
            numbers.update(self._suffixes.get(path[size - length :], ()))
        for together, group in self._groups:
            if together.matches(path):
                numbers.update(n for n in group if len(group) == 1 or self._patterns[n].regexp.matches(path))
        return numbers


def _groups(numbers: Sequence[int], patterns: Sequence[_Pattern]) -> Iterator[list[int]]:
    """Patterns that are asked together, as most paths fit none of them."""
    group: list[int] = []
    characters = 0
    for number in numbers:
        if not patterns[number].is_closed:
            yield [number]
            continue
        characters += len(patterns[number].text)
        if group and (len(group) == _MOST_IN_A_GROUP or characters > _MOST_CHARACTERS_IN_A_GROUP):
            yield group
            group, characters = [], len(patterns[number].text)
        group.append(number)
    if group:
        yield group


def _any_of(group: Sequence[int], patterns: Sequence[_Pattern]) -> str:
    if len(group) == 1:
        return patterns[group[0]].expression
    return "|".join(f"(?:{patterns[number].expression})" for number in group)


def _without_trailing_glob(pattern: str) -> str:
    return pattern.removesuffix("/**").removesuffix("/*")


def _pattern(text: str, origin: str) -> _Pattern:
    cleaned = _clean(text.strip())
    negated = cleaned.startswith("!")
    if cleaned == "!":
        raise Misuse(f'{origin}: illegal exclusion pattern: "!".', fix=message("Name a path after the exclamation mark."))
    cleaned = cleaned.removeprefix("!")
    try:
        if "[" in cleaned or "\\" in cleaned:
            raise_if_malformed(cleaned)
        pattern = _Pattern(cleaned, negated=negated)
        if pattern.kind == "expression" and not pattern.is_closed:
            _ = pattern.regexp
    except (BadPattern, ValueError):
        raise Misuse(f"{origin}: syntax error in pattern: {text}.", fix=message("Correct that line.")) from None
    return pattern


def _compiled(pattern: str) -> tuple[_Kind, str]:
    """How a pattern is matched, and the expression if it is one: step by step what `Pattern.compile` of moby does.

    So a text around a lone `**` at either end is taken as it stands, and an escape is handed on to Go's regexp, where
    `\\d` is a digit and `\\e` an error.
    """
    expression: list[str] = ["^"]
    kind: _Kind = "exact"
    source = without_surrogates(pattern).removeprefix("\ufeff")
    position = round_number = 0
    while position < len(source):
        character = source[position]
        position += 1
        if source.startswith("**", position - 1):
            position += 1 + source.startswith("/", position + 1)
            if position < len(source):
                expression.append("(?:.*/)?")
                kind = "expression"
            elif kind == "exact":
                kind = "prefix"
            else:
                expression.append(".*")
                kind = "expression"
            kind = "suffix" if round_number == 0 else kind
        elif character in "*?":
            expression.append("[^/]*" if character == "*" else "[^/]")
            kind = "expression"
        elif character == "\\" and position < len(source):
            expression.append("\\" + source[position])
            position += 1
            kind = "expression"
        elif character in "[]":
            expression.append(character)
            kind = "expression"
        else:
            expression.append(f"\\{character}" if character in _ESCAPED_BY_MOBY or character == "\\" else character)
        round_number += 1
    return kind, "".join(expression) + "$"
