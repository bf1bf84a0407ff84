"""Regular expressions with the syntax and the speed of Go's, for foreign patterns.

Docker matches ignore files, wildcards and `${NAME%pattern}` with Go's regexp package. It never backtracks, so its time
grows with the text, whatever the pattern. RE2 has the same syntax and the same algorithm. Python's `re` backtracks: a line
such as `*a*a*a*a*b` would keep it busy for hours, and Ctrl-C has no effect meanwhile.
Source: https://pkg.go.dev/regexp and https://github.com/google/re2.
"""

from __future__ import annotations

import re
from functools import lru_cache

import re2

__all__ = ["BadPattern", "GoRegexp", "without_surrogates"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_MEMORY_BYTES = 64 << 20
"""The limit for one expression. A line of 65,535 wildcards, the longest that BuildKit reads, needs 20 MB."""


class BadPattern(ValueError):
    """A pattern that Go's regexp does not compile."""


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for bytes that are no UTF-8, as in Go. Python keeps such bytes as lone surrogates."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class GoRegexp:
    """A compiled expression. Raises BadPattern."""

    __slots__ = ("_compiled",)

    def __init__(self, expression: str) -> None:
        try:
            self._compiled = re2.compile(without_surrogates(expression), _options())
        except re2.error as problem:
            raise BadPattern(problem.args[0].decode() if isinstance(problem.args[0], bytes) else str(problem)) from None

    def matches(self, text: str) -> bool:
        """Whether the expression matches anywhere in a text."""
        return self._compiled.search(_encoded(text)) is not None

    def find(self, text: str) -> tuple[int, int] | None:
        """Start and end of the leftmost match."""
        match = self._compiled.search(without_surrogates(text))
        return match.span() if match else None

    def replace_all(self, text: str, template: str) -> str:
        """Go's ReplaceAllString: the text with each match replaced. In the template, `$0` is the match.

        An empty match right behind another match does not count.
        """
        source = _encoded(text)
        pieces: list[bytes] = []
        position = last_end = 0
        while position <= len(source) and (match := self._compiled.search(source, position)):
            start, end = match.span()
            pieces.append(source[last_end:start])
            if end > last_end or start == 0:
                pieces.append(_filled(template, source[start:end].decode()).encode())
            last_end = end
            position = max(end, _after_character(source, position))
        pieces.append(source[last_end:])
        return b"".join(pieces).decode()


@lru_cache(maxsize=1)
def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = _MOST_MEMORY_BYTES
    options.log_errors = False
    return options


def _encoded(text: str) -> bytes:
    return without_surrogates(text).encode()


def _after_character(source: bytes, position: int) -> int:
    position += 1
    while position < len(source) and source[position] & 0xC0 == 0x80:
        position += 1
    return position


_TEMPLATE = re.compile(r"\$(?:\$|\{(?P<braced>\w+)\}|(?P<plain>\w+))")


def _filled(template: str, match: str) -> str:
    """The replacement for one match. Our expressions have no groups: in Go `$0` is the match and every other name is empty."""
    if "$" not in template:
        return without_surrogates(template)

    def value(reference: re.Match[str]) -> str:
        if reference[0] == "$$":
            return "$"
        return match if (reference["braced"] or reference["plain"]) == "0" else ""

    return _TEMPLATE.sub(value, without_surrogates(template))
