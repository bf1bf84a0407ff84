"""What the package itself prints below a notebook's cell: the one place for it, so that foreign text is always made visible.

Results are shown by their own HTML, and the program prints by `speedkit.cli.output`.
"""

from __future__ import annotations

import sys
import textwrap

from speedkit.visible import visible, visible_line

__all__ = ["say", "say_aside"]

LINE_LETTERS = 96
"""So many fit beside each other where a page is 1,024 pixels wide."""


def say(*sentences: object) -> None:
    """Print sentences with lines broken between words, as a notebook breaks long ones within; nothing for an empty one."""
    for line in visible("\n".join(filter(None, map(str, sentences)))).splitlines():
        print(textwrap.fill(line, LINE_LETTERS, break_long_words=False, break_on_hyphens=False))


def say_aside(sentence: str) -> None:
    """Print a sentence that is no result, on stderr: a notebook shows it in a colour of its own."""
    print(visible_line(sentence), file=sys.stderr)
