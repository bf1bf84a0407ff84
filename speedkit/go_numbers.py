"""Whole numbers in text that others wrote, as Go's strconv reads them.

Python refuses to read a number of more than 4,300 digits, with an error of its own; Go says that it is out of range.
"""

from __future__ import annotations

import re

__all__ = ["BEYOND", "END_OF_INT64", "whole_number"]

BEYOND = 1 << 64
"""Stands for every number that has no room in 64 bits."""

END_OF_INT64 = 1 << 63
"""The first number that a signed one of 64 bits, which Go counts with, does not reach."""

_NUMBER = re.compile(r"[+-]?[0-9]+")
_MOST_DIGITS = 20


def whole_number(text: str) -> int | None:
    """The number that a text is, `BEYOND` or -BEYOND for one without room in 64 bits; None when it is none."""
    if _NUMBER.fullmatch(text) is None:
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = BEYOND if len(digits) > _MOST_DIGITS else min(int(digits), BEYOND)
    return -number if text.startswith("-") else number
