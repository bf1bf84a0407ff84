"""The door that every message goes through on its way to a reader, and the one at which it can be translated.

A message is a whole sentence, or a whole label, with named places for its values, so that another language can order them as
it needs. Where a number decides the form, both English forms stand side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["listed", "message", "plural"]

NAMED_AT_MOST = 3


def message(text: str, /, **values: object) -> str:
    """The message with its values in their places."""
    return text.format(**values)


def plural(one: str, many: str, count: int, /, **values: object) -> str:
    """The form for one or for several; `{count}` is the number."""
    return (one if count == 1 else many).format(count=count, **values)


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    if len(names) < 2:
        return "".join(names)
    if len(names) > NAMED_AT_MOST:
        shown = ", ".join(names[:NAMED_AT_MOST])
        return message("{names} and {more:,} more", names=shown, more=len(names) - NAMED_AT_MOST)
    return message("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])
