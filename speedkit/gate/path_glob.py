"""Globs over the paths of a folder, as shells, editors and workflows of GitHub have them.

    *      any characters of one name, also none         `*.md` is README.md, and not docs/a.md
    ?      one character of a name
    [a-z]  one character of a set, [!a-z] one outside of it
    **     as a whole name: any number of folders, also none; at the end: every file below
    \\      the next character stands for itself

A glob begins in the folder. It also matches names that begin with a dot, as git's patterns do. Braces and a leading `!` have no
meaning. RE2 matches the patterns, so no pattern takes longer than the length of the path.
Source: https://www.gnu.org/software/bash/manual/html_node/Pattern-Matching.html (globstar).
"""

from __future__ import annotations

import re

from speedkit.go_regexp import BadPattern, GoRegexp

__all__ = ["BadGlob", "PathGlob"]

_MOST_CHARACTERS = 1000


class BadGlob(ValueError):
    """A glob that cannot match any path. Its text is the reason, as the end of a sentence."""


class PathGlob:
    """A glob, compiled. Raises: BadGlob."""

    def __init__(self, glob: str) -> None:
        self.text = glob
        names = glob.removeprefix("./").split("/")
        # An empty name is a slash at an end or two in a row: no path of git has one.
        if len(glob) > _MOST_CHARACTERS or "" in names or {".", ".."} & set(names) or "\0" in glob:
            raise BadGlob(glob)
        try:
            self._expression = GoRegexp(f"(?s)\\A{_expression(names)}\\z")
        except BadPattern:
            raise BadGlob(glob) from None

    def matches(self, path: str) -> bool:
        """Whether the glob matches a whole path. path: in the folder, with slashes."""
        return self._expression.matches(path)


def _expression(names: list[str]) -> str:
    pieces = []
    last = len(names) - 1
    for number, name in enumerate(names):
        if name == "**":
            pieces.append(".+" if number == last else "(?:[^/]+/)*")
        else:
            pieces.append(_name_expression(name) + ("" if number == last else "/"))
    return "".join(pieces)


def _name_expression(name: str) -> str:
    pieces: list[str] = []
    place = 0
    while place < len(name):
        character, place = name[place], place + 1
        if character == "*":
            # Stars in a row are one star: only a name of its own, `**`, reaches into folders.
            pieces.append("" if pieces[-1:] == ["[^/]*"] else "[^/]*")
        elif character == "?":
            pieces.append("[^/]")
        elif character == "[":
            members, place = _members(name, place)
            pieces.append(members)
        else:
            if character == "\\":
                character, place = name[place : place + 1], place + 1
            if not character:
                raise BadGlob(name)
            pieces.append(_literal(character))
    return "".join(pieces)


def _members(name: str, place: int) -> tuple[str, int]:
    """The set that begins behind `[` as an expression, and the place behind its `]`. Raises: BadGlob."""
    negated = name[place : place + 1] in ("!", "^")
    start = place + negated
    # A `]` that comes first is a member.
    end = name.find("]", start + 1)
    if end < 0:
        raise BadGlob(name)
    ranges = re.findall(r"(.)(?:-(.))?", name[start:end], flags=re.DOTALL)
    members = "".join(_literal(low) + (f"-{_literal(high)}" if high else "") for low, high in ranges)
    # A set outside of some characters would match a slash too, and reach into a folder.
    return f"[{'^/' if negated else ''}{members}]", end + 1


def _literal(character: str) -> str:
    # By its number: no character of a foreign glob means anything to RE2.
    return f"\\x{{{ord(character):x}}}"
