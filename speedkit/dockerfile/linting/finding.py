"""One thing that the linter finds."""

from __future__ import annotations

import json
from dataclasses import dataclass

__all__ = ["Finding", "quoted"]


@dataclass(frozen=True, slots=True)
class Finding:
    """rule: its name in BuildKit. line: where. sentence: BuildKit's words, without a suggestion."""

    rule: str
    line: int
    sentence: str


def quoted(text: str) -> str:
    """A text in quotes, as Go's `%q` writes it."""
    return json.dumps(text, ensure_ascii=False)
