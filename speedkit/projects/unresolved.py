"""Text with parts that only a run would know: a workflow's expression, a shell's or make's variable that nothing sets.

Such a part stands between two marks; the rest of the text is certain. The marks are noncharacters of Unicode, which no file
should contain (https://www.unicode.org/faq/private_use.html#noncharacters). A path that begins with ROOT begins in the
repository's folder: `$GITHUB_WORKSPACE`, for example.
"""

from __future__ import annotations

__all__ = ["BEGIN", "END", "ROOT", "as_written", "is_resolved", "readable", "unresolved"]

BEGIN, END, ROOT = "\ufdd0", "\ufdd1", "\ufdd2"
_NO_MARKS = str.maketrans({BEGIN: "?", END: "?", ROOT: "?"})


def unresolved(text: str) -> str:
    """An unresolved part of a text. text: the expression or variable, as it is written in the file."""
    return f"{BEGIN}{as_written(text)}{END}"


def is_resolved(text: str) -> bool:
    return BEGIN not in text


def as_written(text: str) -> str:
    """The text without marks, for readers."""
    return text.replace(BEGIN, "").replace(END, "").replace(ROOT, ".")


def readable(content: bytes) -> str:
    """The text of a foreign file. Marks of ours in it become question marks."""
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n").translate(_NO_MARKS)
