"""The space between the words of a Chinese sentence and the values in it.

A space stands between Chinese and Latin letters or digits, and nowhere else. Whether a value is Chinese is known only when it
is put in: `main.go` or `第 3 行`. https://www.w3.org/TR/clreq/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from string import Formatter

__all__ = ["filled_in_chinese"]

CHINESE = re.compile(r"[\u3400-\u9fff]")
CHINESE_OR_ITS_PUNCTUATION = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef“”…]")
LATIN = re.compile(r"[A-Za-z0-9`]")


def filled_in_chinese(text: str, values: Mapping[str, object]) -> str:
    """A message with its values, and a space at the border of each where there has to be one.

    Raises: LookupError, ValueError, as `str.format` does.
    """
    parts: list[str] = []
    for literal, name, form, conversion in Formatter().parse(text):
        parts.append(literal)
        if name is not None:
            place = f"{{{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}}}"
            parts.append(place.format(**values))
    return reduce(_joined, filter(None, parts), "")


def _joined(before: str, after: str) -> str:
    left, right = before.rstrip(" "), after.lstrip(" ")
    last, first = left[-1:], right[:1]
    if CHINESE_OR_ITS_PUNCTUATION.match(last) and CHINESE_OR_ITS_PUNCTUATION.match(first):
        return left + right
    is_border = (CHINESE.match(last) and LATIN.match(first)) or (LATIN.match(last) and CHINESE.match(first))
    return f"{left} {right}" if is_border else before + after
