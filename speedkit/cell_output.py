"""Prints sentences below a notebook's cell. All such output goes through here, so foreign text in it is always escaped.

Results have their own HTML, and the program prints with `speedkit.cli.output`.
"""

from __future__ import annotations

import sys
import textwrap

from speedkit.control_characters import visible, visible_line

__all__ = ["say", "say_aside"]

LINE_LETTERS = 96
"""A line of a page that is 1,024 pixels wide has room for so many letters."""


def say(*sentences: object) -> None:
    """Print sentences, broken into lines between words. Empty ones are left out."""
    # A notebook itself breaks a long line inside a word.
    for line in visible("\n".join(filter(None, map(str, sentences)))).splitlines():
        print(textwrap.fill(line, LINE_LETTERS, break_long_words=False, break_on_hyphens=False))


def say_aside(sentence: str) -> None:
    """Print a sentence that is no result on stderr: a notebook shows that with another background."""
    print(visible_line(sentence), file=sys.stderr)
