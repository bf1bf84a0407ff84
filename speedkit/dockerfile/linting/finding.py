"""A finding of the linter."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """rule: its name in BuildKit. line: of the Dockerfile, from 1. sentence: as in BuildKit, without a suggestion."""

    rule: str
    line: int
    sentence: str
