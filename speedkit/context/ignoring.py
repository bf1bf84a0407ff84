"""Ignore files, matched exactly as BuildKit matches them.

Source of the rules: moby/patternmatcher and its `ignorefile` package, tonistiigi/fsutil (filter.go). They are not
those of git: a pattern is anchored at the context's root, `**` stands for any number of folders, the last matching line
wins, and what is below an ignored folder can come back with `!`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedkit.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["IgnorePatterns", "Matched", "read_ignore_file"]

Matched = tuple[bool, ...]
"""Which patterns match a folder; what lies below it inherits them. Empty for the root."""

_REGEX_SPECIAL = frozenset(".+()|{}$")
_WILD = frozenset("*?[]\\")
_PATTERN_SPECIAL = frozenset("*[]?^\\")


def read_ignore_file(text: str) -> tuple[str, ...]:
    """The patterns of an ignore file, cleaned, in order."""
    patterns = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        negated = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip() if negated else pattern
        if pattern:
            pattern = _clean(pattern)
            pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
        patterns.append(f"!{pattern}" if negated else pattern)
    return tuple(patterns)


def _clean(path: str) -> str:
    """`posixpath.normpath`, which unlike Go's Clean keeps two leading slashes."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


@dataclass(frozen=True, slots=True)
class _Pattern:
    text: str
    negated: bool
    regex: str
    matches: Callable[[str], object]


class IgnorePatterns:
    """The patterns of one ignore file, ready to match. Raises Misuse for a pattern that BuildKit rejects."""

    def __init__(self, patterns: Sequence[str], *, origin: str = ".dockerignore") -> None:
        self._patterns = tuple(_pattern(text, origin) for text in patterns)
        self._nothing: Matched = (False,) * len(self._patterns)
        ignoring = "|".join(pattern.regex for pattern in self._patterns if not pattern.negated)
        self._may_ignore = re.compile(f"(?:{ignoring})\\Z", re.DOTALL).match if ignoring else re.compile("(?!)").match
        exceptions = [_without_trailing_glob(pattern.text) for pattern in self._patterns if pattern.negated]
        self._exceptions_are_prefixes = not any(set(text) & _PATTERN_SPECIAL for text in exceptions)
        self._exceptions = tuple(f"{text}/" for text in exceptions)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, path: str, parent: Matched) -> tuple[bool, Matched]:
        """Whether a path is ignored, and what its children inherit."""
        if (not parent or parent is self._nothing) and self._may_ignore(path) is None:
            return False, self._nothing
        ignored = False
        found = []
        for number, pattern in enumerate(self._patterns):
            match = bool(parent) and parent[number]
            if not match and pattern.negated == ignored:
                match = pattern.matches(path) is not None
            found.append(match)
            if match:
                ignored = not pattern.negated
        return ignored, tuple(found) if True in found else self._nothing

    def may_hold_exceptions(self, folder: str) -> bool:
        """Whether an ignored folder has to be searched for what `!` brings back."""
        if not self._exceptions_are_prefixes:
            return True
        return any(exception.startswith(f"{folder}/") for exception in self._exceptions)


def _without_trailing_glob(pattern: str) -> str:
    return pattern.removesuffix("/**").removesuffix("/*")


def _pattern(text: str, origin: str) -> _Pattern:
    cleaned = _clean(text.strip())
    negated = cleaned.startswith("!")
    if cleaned == "!":
        raise Misuse(f'{origin}: illegal exclusion pattern: "!".', fix="Name a path after the exclamation mark.")
    cleaned = cleaned.removeprefix("!")
    try:
        regex = _regex_of(cleaned)
        matches = re.compile(f"(?:{regex})\\Z", re.DOTALL).match
    except (re.error, ValueError):
        raise Misuse(f"{origin}: syntax error in pattern: {text}.", fix="Correct that line.") from None
    return _Pattern(cleaned, negated, regex, matches)


def _regex_of(pattern: str) -> str:
    """What the pattern matches. Text around a lone `**` at either end is taken as it stands."""
    if not set(pattern) & _WILD:
        return re.escape(pattern)
    if pattern.endswith("**") and not set(pattern[:-2]) & _WILD:
        return f"{re.escape(pattern[:-2])}.*"
    if pattern.startswith("**") and not set(pattern[2:]) & _WILD:
        name = pattern[2:].removeprefix("/")
        return f".*{re.escape(pattern[2:])}" + (f"|{re.escape(name)}" if name != pattern[2:] else "")
    _check_like_filepath_match(pattern)
    return _regex(pattern)


def _regex(pattern: str) -> str:
    result: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if pattern.startswith("**", position - 1):
            position += 1 + pattern.startswith("/", position + 1)
            result.append("(?:.*/)?" if position < len(pattern) else ".*")
        elif character == "*":
            result.append("[^/]*")
        elif character == "?":
            result.append("[^/]")
        elif character == "\\" and position < len(pattern):
            result.append(re.escape(pattern[position]))
            position += 1
        else:
            result.append(f"\\{character}" if character in _REGEX_SPECIAL or character == "\\" else character)
    return "".join(result)


def _check_like_filepath_match(pattern: str) -> None:
    """Go rejects a class that is not closed or empty, and a trailing escape."""
    position = 0
    while position < len(pattern):
        if pattern[position] == "\\":
            position += 1
            if position >= len(pattern):
                raise ValueError(pattern)
        elif pattern[position] == "[":
            position = _end_of_class(pattern, position + 1)
        position += 1


def _end_of_class(pattern: str, position: int) -> int:
    position += pattern.startswith("^", position)
    start = position
    while position < len(pattern) and (pattern[position] != "]" or position == start):
        if pattern[position] in "-]" and position == start:
            raise ValueError(pattern)
        position += 2 if pattern[position] == "\\" else 1
    if position >= len(pattern):
        raise ValueError(pattern)
    return position
