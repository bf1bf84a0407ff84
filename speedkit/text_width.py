"""The width of text in letters, and lines of so many letters: a Chinese character is as wide as two Latin letters.

A line may end at a space, and beside each Chinese character: Chinese has no spaces. Punctuation that closes does not begin a
line, and punctuation that opens does not end one. https://www.w3.org/TR/clreq/
"""

from __future__ import annotations

import re
from unicodedata import east_asian_width

__all__ = ["HAN", "WORD", "letters", "wrapped"]

FEWEST = 6
"""Letters on the last line of Chinese."""
HAN = "\u2e80-\u9fff\uff00-\uffef"
OPENING, CLOSING = "（《“‘「【", "，。、；：？！）》”’」】…"
WORD = re.compile(rf"[ \t\n]*[{OPENING}]*(?:[{HAN}]|[^ \t\n{HAN}{OPENING}{CLOSING}]+|[{CLOSING}])[{CLOSING}]*[ \t\n]*")
"""What stays on one line, with the spaces around it. A no-break space is a letter."""


def letters(text: str) -> int:
    """How many Latin letters are as wide as the text."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of so many letters; a longer word has a line of its own.

    Chinese breaks anywhere, so its last line could be a single character: then all lines are a little shorter.
    """
    lines = _lines(text, width)
    while len(lines) > 1 and letters(lines[-1]) <= FEWEST and re.match(rf"[{HAN}]", lines[-1]):
        width -= 2
        shorter = _lines(text, width)
        if len(shorter) > len(lines):
            break
        lines = shorter
    return lines


def _lines(text: str, width: int) -> list[str]:
    lines = [""]
    for word in WORD.findall(text):
        if lines[-1] and letters(lines[-1]) + letters(word.rstrip()) > width:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return [line.rstrip() for line in lines if line]
