"""Makes control characters and invisible characters in foreign text visible, as escapes, for terminals.

A terminal obeys ESC and the C1 controls (ECMA-48: U+0080 to U+009F are ESC sequences of one character), a lone carriage
return overwrites the line, and Unicode's bidirectional controls change the order in which a text is shown
(https://trojansource.codes). Names of files, stages, strategies and images may hold all of them. The escapes stay in the
text, so that `a.txt` and `a\\u200b.txt` do not look like one file.
"""

from __future__ import annotations

import re

__all__ = ["visible", "visible_json", "visible_line"]

# Unicode's categories Cc without \n and \t, Cf, Zl and Zp, lone surrogates (bytes that are no UTF-8), and the characters
# with the property Default_Ignorable. U+FE0E and U+FE0F are left out: they belong to signs such as ⚠️ and choose their style.
UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
OBEYED = re.compile(f"[{UNSEEN}]")
OBEYED_IN_A_LINE = re.compile(f"[{UNSEEN}\n\t]")
SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def visible(text: str) -> str:
    """Text of several lines, such as a log, with escapes. Line ends and tabs stay."""
    return OBEYED.sub(_escape, text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """A name or a sentence on one line, with escapes. Line ends and tabs become escapes, too."""
    return OBEYED_IN_A_LINE.sub(_escape, text)


def visible_json(document: str) -> str:
    """An equal JSON document, with JSON's own escapes."""
    if document.isascii() and "\x7f" not in document:
        return document  # JSON has no raw characters below the space, so a long document needs no search
    return OBEYED.sub(_escape_of_json, document)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"  # a byte that is no UTF-8 (PEP 383)
    if number < 0x100:
        return SHORT.get(character) or f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _escape_of_json(match: re.Match[str]) -> str:
    # JSON writes a character beyond U+FFFF as two escapes, the UTF-16 surrogates.
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
