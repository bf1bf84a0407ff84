"""Ignore files, matched exactly as BuildKit matches them, and in linear time whatever the pattern.

Source of the rules: moby/patternmatcher and its `ignorefile` package, tonistiigi/fsutil (filter.go). They are not
git's rules: a pattern is anchored at the context's root, `**` stands for any number of folders, the last matching line
wins, and `!` can bring back a file below an ignored folder.
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
"""The numbers of the patterns that match a folder; its files and folders inherit them. Empty for the root."""

_Kind = Literal["exact", "prefix", "suffix", "expression"]

_ESCAPED_BY_MOBY = frozenset(".+()$")
"""Characters that moby escapes for Go's regexp. Its list has `|`, `{` and `}` as well, but its bitmap has room only for
characters below 64, so they are never escaped: `a|b*` ignores every path that begins with `a`."""
_PATTERN_SPECIAL = frozenset("*[]?^\\")
_GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""White space for Go's strings.TrimSpace. Python's `strip` also removes \\x1c to \\x1f."""
_MOST_IN_A_GROUP = 500
_MOST_CHARACTERS_IN_A_GROUP = 20_000
"""RE2 has limited memory for one expression (`go_regexp`)."""


def read_ignore_file(text: str) -> tuple[str, ...]:
    """The patterns of an ignore file in their order, without comments; paths are normalised (`./a//b` is `a/b`)."""
    patterns = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = line.strip(_GO_SPACE)
        # A comment has `#` in its first column; ` #x` is a pattern.
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
    """Go's filepath.Clean. Python's `normpath` keeps two leading slashes, Go keeps one."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


class _Pattern:
    """One pattern. Its expression is compiled at the first use, since most patterns of a long file are never tried alone."""

    def __init__(self, text: str, *, negated: bool) -> None:
        self.text = text
        self.negated = negated
        self.kind, self.expression = _compiled(text)

    @cached_property
    def regexp(self) -> GoRegexp:
        return GoRegexp(self.expression)

    @property
    def is_closed(self) -> bool:
        """Whether the expression compiles for sure and can be joined with others: an open class would swallow the next one."""
        return not set(self.text) & {"[", "\\", "{"}


class IgnorePatterns:
    """The patterns of one ignore file. origin: its name, for errors. Raises Misuse for a pattern that BuildKit rejects."""

    def __init__(self, patterns: Sequence[str], *, origin: str = ".dockerignore") -> None:
        self._patterns = tuple(_pattern(text, origin) for text in patterns)
        self._index = _Index(self._patterns)
        # fsutil compares folders with the exceptions as text, without `/**` or `/*` at the end.
        negated = [pattern.text for pattern in self._patterns if pattern.negated]
        exceptions = [text.removesuffix("/**").removesuffix("/*") for text in negated]
        self._exceptions_are_prefixes = not any(set(text) & _PATTERN_SPECIAL for text in exceptions)
        self._exceptions = sorted(f"{text}/" for text in exceptions)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, path: str, parent: Matched) -> tuple[bool, Matched]:
        """Whether a path is ignored, and the patterns that its children inherit. parent: those that its folder inherits."""
        matching = self._index.matching(path)
        if not matching and not parent:
            return False, ()
        inherited = set(parent)
        ignored = False
        matched = []
        for number in sorted(matching | inherited):
            negated = self._patterns[number].negated
            # moby skips a pattern that cannot change the result, and a skipped pattern is not inherited. Files in a folder
            # see that difference, so it is kept (patternmatcher.go, MatchesUsingParentResults).
            if number in inherited or negated == ignored:
                matched.append(number)
                ignored = not negated
        return ignored, tuple(matched)

    def may_hold_exceptions(self, folder: str) -> bool:
        """Whether an ignored folder has to be searched for files that `!` brings back."""
        # As in fsutil, one exception with a wildcard makes BuildKit search every ignored folder.
        if not self._exceptions_are_prefixes:
            return True
        place = bisect_left(self._exceptions, f"{folder}/")
        return place < len(self._exceptions) and self._exceptions[place].startswith(f"{folder}/")


class _Index:
    """Finds the patterns that match a path without trying each of them.

    Names without wildcards, `name/**` and `**/name` are looked up; the other patterns are tried in groups.
    """

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
        self._groups: list[tuple[GoRegexp, list[int]]] = []
        for group in _groups(expressions, patterns):
            alternatives = [f"(?:{patterns[number].expression})" for number in group]
            joined = "|".join(alternatives) if len(group) > 1 else patterns[group[0]].expression
            self._groups.append((GoRegexp(joined), group))

    def matching(self, path: str) -> set[int]:
        """The numbers of the patterns that match a path."""
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
        for joined, group in self._groups:
            if joined.matches(path):
                numbers.update(n for n in group if len(group) == 1 or self._patterns[n].regexp.matches(path))
        return numbers


def _groups(numbers: Sequence[int], patterns: Sequence[_Pattern]) -> Iterator[list[int]]:
    """Groups of patterns to try as one expression: most paths match none of them."""
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
            _ = pattern.regexp  # compile it now, so that a mistake in it is an error even when no path is tried
    except (BadPattern, ValueError):
        raise Misuse(f"{origin}: syntax error in pattern: {text}.", fix=message("Correct that line.")) from None
    return pattern


def _compiled(pattern: str) -> tuple[_Kind, str]:
    """How a pattern is matched, and its regular expression. It follows `Pattern.compile` of moby step by step.

    With a single `**` at the start or the end, the rest is compared as text. An escape goes to Go's regexp as it is: there
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
            # moby sets this without looking further: with more wildcards behind, the next round sets "expression".
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
