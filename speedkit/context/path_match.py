"""Go's path.Match: matches names with `*`, `?` and `[a-z]`. BuildKit matches the wildcards of COPY and ADD with it.

A star matches as little as it can. The part of a pattern between two stars (a chunk) is searched once, from left to right,
and a match is never replaced by a later one, so no pattern is slow. Source: path/match.go of Go.
"""

from __future__ import annotations

from speedkit.go_regexp import GoRegexp

__all__ = ["PathPattern", "is_malformed", "raise_if_malformed"]

_ANY = "\\x00-\\x{10FFFF}"


class PathPattern:
    """A pattern to match names with. A malformed one matches nothing."""

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
        """Whether the pattern matches the whole name."""
        if self._malformed:
            return False
        if self._counts_slashes or not name.isascii():
            # A regular expression cannot express two oddities of Go. It counts bytes behind a star: `*??` matches one letter
            # of three bytes. And `[^a]` matches a slash, but is not tried there when it matches an earlier character.
            return _fits_bytes(self._chunks, _bytes(name))
        if self._expression is None:
            self._expression = GoRegexp("\\A" + "".join(_expression(*chunk) for chunk in self._chunks) + "\\z")
        return self._expression.matches(name)


def is_malformed(pattern: str) -> bool:
    """Whether Go's filepath.Match gives ErrBadPattern for it."""
    try:
        raise_if_malformed(pattern)
    except ValueError:
        return True
    return False


def raise_if_malformed(pattern: str) -> None:
    """Raises ValueError where Go's filepath.Match gives an error for the name ".".

    moby checks ignore patterns with that name. Go stops at the first chunk that does not match, and so misses errors in
    later chunks.
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
    """One character of a pattern.

    byte: for a plain character, else None. ranges: for a class such as `[a-z]`, else None. Neither: for `?`.
    """

    __slots__ = ("byte", "negated", "ranges")

    def __init__(self, byte: int | None, ranges: tuple[tuple[int, int], ...] | None = None, *, negated: bool = False) -> None:
        self.byte, self.ranges, self.negated = byte, ranges, negated

    def after(self, name: bytes, position: int) -> int:
        """The place in the name behind this character, -1 when it does not match."""
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
    # The name is ASCII here. A byte above 127 matches nothing in it, and neither does the character with that number.
    return ("[^/]*" if starred else "") + "".join(matcher.expression() for matcher in chunk)


def _bytes(text: str) -> bytes:
    """The bytes of a text. Python keeps bytes that are no UTF-8 as lone surrogates; they become these bytes again."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _rune(name: bytes, position: int) -> tuple[int, int]:
    """The character at a place and its number of bytes. A byte that is no UTF-8 gives U+FFFD and 1, as in Go."""
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
    """Whether the pattern begins with stars, the chunk up to the next star, and the rest of the pattern."""
    starred = pattern.startswith(b"*")
    pattern = pattern.lstrip(b"*")
    inside, position = False, 0  # inside of `[…]` a star is an ordinary character
    while position < len(pattern) and (inside or pattern[position] != 0x2A):
        character = pattern[position]
        inside = character == 0x5B or (inside and character != 0x5D)
        position += 1 + (character == 0x5C)
    return starred, pattern[:position], pattern[position:]


def _matchers(chunk: bytes) -> tuple[_Matcher, ...]:
    """The characters of a chunk. Raises ValueError for a malformed one."""
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
    """The class that begins behind `[`, and the place behind its `]`. Go rejects `[]`: a class has a member."""
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
    """One character of a class, without its escape, and the place behind it, which has to be inside of the chunk."""
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
