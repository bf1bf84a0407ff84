"""Ignore files, matched exactly as BuildKit matches them.

Source of the rules: moby/patternmatcher and its `ignorefile` package, tonistiigi/fsutil (filter.go). They are not
those of git: a pattern is anchored at the context's root, `**` stands for any number of folders, the last matching line
wins, and what is below an ignored folder can come back with `!`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from speedkit.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["IgnorePatterns", "Matched", "is_malformed", "read_ignore_file"]

Matched = tuple[bool, ...]
"""Which patterns match a folder; what lies below it inherits them. Empty for the root."""

_REGEX_SPECIAL = frozenset(".+()|{}$")
_WILD = frozenset("*?[]\\")
_GO_ESCAPES = MappingProxyType(
    {character: f"\\{character}" for character in "afnrtvbBA"}
    | {"d": "[0-9]", "D": "[^0-9]", "w": "[0-9A-Za-z_]", "W": "[^0-9A-Za-z_]"}
    | {"s": "[\\t\\n\\f\\r ]", "S": "[^\\t\\n\\f\\r ]", "z": "\\Z"}
)
_CLASS = re.compile(r"(\^?\]?(?:\\.|[^\\\]])*)\]", re.DOTALL)
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
            result.append(_escaped(pattern[position]))
            position += 1
        elif character == "[":
            found = _CLASS.match(pattern, position)
            if found is None:
                raise ValueError(pattern)
            result.append(_class(found[1]))
            position = found.end()
        else:
            result.append(f"\\{character}" if character in _REGEX_SPECIAL or character == "\\" else character)
    return "".join(result)


def _class(inside: str) -> str:
    """A class of characters, in which Python reads no more than Go."""
    return "[" + re.sub(r"([\[&~|])", r"\\\1", inside) + "]"


def _escaped(character: str) -> str:
    """An escaped character. BuildKit hands the escape on to Go's regexp, where `\\d` is a digit and `\\e` an error."""
    if not character.isascii() or not character.isalnum():
        return re.escape(character)
    if character not in _GO_ESCAPES:
        raise ValueError(character)
    return _GO_ESCAPES[character]


def is_malformed(pattern: str) -> bool:
    """Whether Go's filepath.Match takes it for no pattern at all."""
    try:
        _check_like_filepath_match(pattern)
    except ValueError:
        return True
    return False


def _check_like_filepath_match(pattern: str) -> None:
    """Raises ValueError where Go's filepath.Match does for the name ".".

    Go reads the parts between stars one by one and stops at the first that cannot match, so an error behind that part is
    not noticed.
    """
    name = "."
    while pattern:
        starred, chunk, pattern = _next_chunk(pattern)
        if starred and not chunk:
            return
        rest = _matched(chunk, name)
        if starred and (rest is None or (rest and not pattern)):
            rest = _matched(chunk, name[1:])
        if rest is None or (rest and not pattern):
            return
        name = rest


def _next_chunk(pattern: str) -> tuple[bool, str, str]:
    """Whether stars come first, what follows them up to the next star, and the rest."""
    starred = pattern.startswith("*")
    pattern = pattern.lstrip("*")
    inside, position = False, 0
    while position < len(pattern) and (inside or pattern[position] != "*"):
        inside = pattern[position] == "[" or (inside and pattern[position] != "]")
        position += 1 + (pattern[position] == "\\")
    return starred, pattern[:position], pattern[position:]


def _matched(chunk: str, name: str) -> str | None:
    """What is left of a name behind a chunk without stars; None when it does not match. All of the chunk is checked."""
    rest: str | None = name
    position = 0
    while position < len(chunk):
        character = chunk[position]
        if character == "[":
            end = _end_of_class(chunk, position + 1)
            fits = bool(rest) and _is_in(_class(chunk[position + 1 : end]), rest or "")
            position = end
        else:
            position += character == "\\"
            if position >= len(chunk):
                raise ValueError(chunk)
            fits = bool(rest) and (character == "?" or chunk[position] == (rest or "")[0])
        rest = rest[1:] if rest and fits else None
        position += 1
    return rest


def _is_in(characters: str, text: str) -> bool:
    """Whether a text begins with one of a class. A range such as `z-a` holds none."""
    try:
        return re.match(characters, text) is not None
    except re.error:
        return False


def _end_of_class(pattern: str, position: int) -> int:
    """Where the class that begins here is closed. As in Go it holds characters and ranges, at least one of them."""
    position += pattern.startswith("^", position)
    start = position
    while position == start or not pattern.startswith("]", position):
        position = _after_member(pattern, position)
        if pattern.startswith("-", position):
            position = _after_member(pattern, position + 1)
    return position


def _after_member(pattern: str, position: int) -> int:
    """Behind one character of a class, which may be escaped; a class has to go on after it."""
    if pattern[position : position + 1] in ("", "-", "]"):
        raise ValueError(pattern)
    position += 1 + (pattern[position] == "\\")
    if position >= len(pattern):
        raise ValueError(pattern)
    return position
