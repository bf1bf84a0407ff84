"""One thing that the linter finds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """rule: its name in BuildKit. line: where. sentence: BuildKit's words, without a suggestion."""

    rule: str
    line: int
    sentence: str
