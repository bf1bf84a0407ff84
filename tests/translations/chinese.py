"""The rules of Chinese typography that a test can check.

A space stands between Chinese and Latin letters, digits or code; punctuation of a Chinese sentence is full-width, and has no
space beside it; a sentence ends as its English one does. https://www.w3.org/TR/clreq/
"""

from __future__ import annotations

import re

HAN = "\u3400-\u9fff"
FULL_WIDTH = "，。；：？！（）、“”……"
RULES = {
    "no space between Chinese and Latin": re.compile(rf"[{HAN}][A-Za-z0-9`]|[A-Za-z0-9`%][{HAN}]"),
    "half-width punctuation beside Chinese": re.compile(rf"[{HAN}{FULL_WIDTH}][,;:?!()]|[,;:?!(][{HAN}]|\)[{HAN}]"),
    "a half-width full stop after Chinese": re.compile(rf"[{HAN}]\.(?:\s|$)"),
    "a space beside full-width punctuation": re.compile(r" [，。；：？！）、”]|[，。；：？！（、“] "),
    "a space between Chinese characters": re.compile(rf"[{HAN}] +[{HAN}]"),
    "three dots": re.compile(rf"[{HAN}](?:\.\.\.|…(?!…))"),
}
ENDS = {".": "。", "?": "？", ":": "：", "!": "！"}
CODE = re.compile(r"`[^`]*`|\"[^\"]*\"|https?://\S+")
VALUE = re.compile(r"\{[^}]*\}")
# Behind bold text that ends with punctuation, Markdown needs a space.
MARKUP = re.compile(r"(?<=[。？！])\*\* |\*+|</?\w+>|\[|\]\([^)]*\)|^[-#] *", re.MULTILINE)
BETWEEN_CELLS = re.compile(r" *\| *")


def broken_rules(text: str) -> list[str]:
    """The rules that a text breaks. Markup and foreign characters do not count."""
    # A value may be Chinese itself: nothing is known about the space beside it.
    plain = MARKUP.sub("", VALUE.sub("|", BETWEEN_CELLS.sub("\n", CODE.sub("`", text))))
    return [name for name, rule in RULES.items() if rule.search(plain)]


def slips(english: str, text: str) -> list[str]:
    """The rules that the translation of a message breaks."""
    found, end = broken_rules(text), english.rstrip()[-1:]
    if end in ENDS and re.search(rf"[{HAN}]", text) and not text.rstrip().endswith(ENDS[end]):
        found.append(f"it ends without {ENDS[end]}")
    if end not in ENDS and text.endswith("。"):
        found.append("it ends with 。 where the English text has no full stop")
    return found
