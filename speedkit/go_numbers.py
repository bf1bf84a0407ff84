"""Whole numbers as Go's strconv reads them, for foreign text such as Dockerfiles.

Python's `int` raises its own error for more than 4,300 digits, where Go says that the number is out of range.
"""

from __future__ import annotations

import re

__all__ = ["BEYOND", "END_OF_INT64", "whole_number"]

BEYOND = 1 << 64
"""Stands for every number too large for 64 bits."""

END_OF_INT64 = 1 << 63
"""One more than Go's largest int64."""

_NUMBER = re.compile(r"[+-]?[0-9]+")
_MOST_DIGITS = 20
"""The largest number of 64 bits has 20 digits."""


def whole_number(text: str) -> int | None:
    """The number in a text; `BEYOND` or `-BEYOND` for one too large for 64 bits; None for a text that is no number."""
    if _NUMBER.fullmatch(text) is None:
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = BEYOND if len(digits) > _MOST_DIGITS else min(int(digits), BEYOND)
    return -number if text.startswith("-") else number
