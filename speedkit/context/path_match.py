"""Go's path.Match: which names a pattern with `*`, `?` and `[a-z]` fits. BuildKit takes the wildcards of COPY and ADD so.

A star takes as little as it can, and what stands between two stars is looked for once, from left to right: no pattern
makes it go back. Source: path/match.go of Go.
"""

from __future__ import annotations

from speedkit.go_regexp import GoRegexp

__all__ = ["PathPattern", "is_malformed", "raise_if_malformed"]

_ANY = "\\x00-\\x{10FFFF}"


class PathPattern:
    """A pattern, ready to match names; one that is malformed fits nothing."""

    def __init__(self, pattern: str) -> None:
        self._chunks: list[tuple[bool, tuple[_Matcher, ...]]] = []
        self._malformed = False
        source = _bytes(pattern)
        try:
            while source:
                starred, chunk, source = _next_chunk(source)
                self._chunks.append((starred, _matchers(chunk)))
        except ValueError:
            self._malformed = True
        self._counts_slashes = any(matcher.fits_a_slash for _, chunk in self._chunks for matcher in chunk)
        self._expression: GoRegexp | None = None

    def fits(self, name: str) -> bool:
        """Whether the whole name is one that the pattern describes."""
        if self._malformed:
            return False
        if self._counts_slashes or not name.isascii():
            # No expression says these two: Go counts bytes behind a star, so `*??` fits a single letter of three bytes; and
            # `[^a]` fits a slash, but is not tried there when it fits something before.
            return _fits_bytes(self._chunks, _bytes(name))
        if self._expression is None:
            self._expression = GoRegexp("\\A" + "".join(_expression(*chunk) for chunk in self._chunks) + "\\z")
        return self._expression.matches(name)


def is_malformed(pattern: str) -> bool:
    """Whether Go's filepath.Match takes it for no pattern at all."""
    try:
        raise_if_malformed(pattern)
    except ValueError:
        return True
    return False


def raise_if_malformed(pattern: str) -> None:
    """Raises ValueError where Go's filepath.Match does for the name ".".

    Go reads the parts between stars one by one and stops at the first that cannot match, so an error behind that part is
    not noticed.
    """
    name, source = b".", _bytes(pattern)
    while source:
        starred, chunk, source = _next_chunk(source)
        if starred and not chunk:
            return
        matchers = _matchers(chunk)
        rest = _after_match(matchers, name)
        if starred and (rest is None or (rest and not source)):
            rest = _after_match(matchers, name[1:]) if name else rest
        if rest is None or (rest and not source):
            return
        name = rest


class _Matcher:
    """One character of a pattern. byte: the one that has to be there; None for `?`, and for a class, which has ranges."""

    __slots__ = ("byte", "negated", "ranges")

    def __init__(self, byte: int | None, ranges: tuple[tuple[int, int], ...] | None = None, *, negated: bool = False) -> None:
        self.byte, self.ranges, self.negated = byte, ranges, negated

    def after(self, name: bytes, position: int) -> int:
        """Where the name goes on behind this character, -1 when it does not fit."""
        if position >= len(name):
            return -1
        if self.byte is not None:
            return position + 1 if name[position] == self.byte else -1
        rune, width = _rune(name, position)
        if self.ranges is None:
            return -1 if name[position] == 0x2F else position + width
        return position + width if any(low <= rune <= high for low, high in self.ranges) != self.negated else -1

    @property
    def fits_a_slash(self) -> bool:
        return self.ranges is not None and self.after(b"/", 0) == 1

    def expression(self) -> str:
        if self.byte is not None:
            return f"\\x{{{self.byte:x}}}"
        if self.ranges is None:
            return "[^/]"
        inside = "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in self.ranges if low <= high)
        if not inside:
            return f"[{_ANY}]" if self.negated else f"[^{_ANY}]"
        return f"[{'^' if self.negated else ''}{inside}]"


def _expression(starred: bool, chunk: tuple[_Matcher, ...]) -> str:
    # A byte of more than 127 in a pattern fits no name in ASCII, nor does the character with that number.
    return ("[^/]*" if starred else "") + "".join(matcher.expression() for matcher in chunk)


def _bytes(text: str) -> bytes:
    """The bytes of a text, in which Python may have written some as surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _rune(name: bytes, position: int) -> tuple[int, int]:
    """The character at a place and its bytes; U+FFFD and 1 for what is not UTF-8, as in Go."""
    first = name[position]
    if first < 0x80:
        return first, 1
    width = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    try:
        return ord(name[position : position + width].decode()), width
    except (UnicodeDecodeError, TypeError):
        return 0xFFFD, 1


def _fits_bytes(chunks: list[tuple[bool, tuple[_Matcher, ...]]], name: bytes) -> bool:
    position = 0
    for number, (starred, chunk) in enumerate(chunks):
        last = number == len(chunks) - 1
        if starred and not chunk:
            return b"/" not in name[position:]
        end = _match_from(chunk, name, position)
        while end < 0 or (last and end < len(name)):
            if not starred or position >= len(name) or name[position] == 0x2F:
                return False
            position += 1
            end = _match_from(chunk, name, position)
        position = end
    return position == len(name)


def _match_from(chunk: tuple[_Matcher, ...], name: bytes, position: int) -> int:
    for matcher in chunk:
        position = matcher.after(name, position)
        if position < 0:
            return -1
    return position


def _after_match(chunk: tuple[_Matcher, ...], name: bytes) -> bytes | None:
    end = _match_from(chunk, name, 0)
    return None if end < 0 else name[end:]


def _next_chunk(pattern: bytes) -> tuple[bool, bytes, bytes]:
    """Whether stars come first, what follows them up to the next star, and the rest."""
    starred = pattern.startswith(b"*")
    pattern = pattern.lstrip(b"*")
    inside, position = False, 0
    while position < len(pattern) and (inside or pattern[position] != 0x2A):
        character = pattern[position]
        inside = character == 0x5B or (inside and character != 0x5D)
        position += 1 + (character == 0x5C)
    return starred, pattern[:position], pattern[position:]


def _matchers(chunk: bytes) -> tuple[_Matcher, ...]:
    """A chunk without stars, character by character. Raises ValueError for a malformed one."""
    matchers: list[_Matcher] = []
    position = 0
    while position < len(chunk):
        character = chunk[position]
        position += 1
        if character == 0x5B:
            matcher, position = _class(chunk, position)
            matchers.append(matcher)
        elif character == 0x3F:
            matchers.append(_Matcher(None))
        else:
            if character == 0x5C:
                if position >= len(chunk):
                    raise ValueError(chunk)
                character = chunk[position]
                position += 1
            matchers.append(_Matcher(character))
    return tuple(matchers)


def _class(chunk: bytes, position: int) -> tuple[_Matcher, int]:
    """A class of characters, which holds characters and ranges, at least one of them; and the place behind it."""
    negated = chunk[position : position + 1] == b"^"
    position += negated
    ranges: list[tuple[int, int]] = []
    while not ranges or chunk[position] != 0x5D:
        low, position = _member(chunk, position)
        high = low
        if chunk[position] == 0x2D:
            high, position = _member(chunk, position + 1)
        ranges.append((low, high))
    return _Matcher(None, tuple(ranges), negated=negated), position + 1


def _member(chunk: bytes, position: int) -> tuple[int, int]:
    """One character of a class, which may be escaped; a class has to go on after it."""
    if position >= len(chunk) or chunk[position] in (0x2D, 0x5D):
        raise ValueError(chunk)
    if chunk[position] == 0x5C:
        position += 1
        if position >= len(chunk):
            raise ValueError(chunk)
    rune, width = _rune(chunk, position)
    if (rune == 0xFFFD and width == 1) or position + width >= len(chunk):
        raise ValueError(chunk)
    return rune, position + width
