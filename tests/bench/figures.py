"""How a measurement is printed: medians with their range, and ratios taken run by run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

__all__ = ["print_ratio", "print_seconds"]


def print_seconds(name: str, seconds: Sequence[float]) -> None:
    """`name  median (lowest to highest, n runs)`."""
    spread = f"{min(seconds):.3f} to {max(seconds):.3f}"
    print(f"  {name:<44} {statistics.median(seconds):8.3f} s  ({spread}, {len(seconds)} runs)", flush=True)


def print_ratio(name: str, tops: Sequence[float], bottoms: Sequence[float], *, wanted: str) -> None:
    """The median of the ratios of runs made next to each other, and what was promised."""
    ratios = [top / bottom for top, bottom in zip(tops, bottoms, strict=True)]
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    print(f"  {name:<44} {statistics.median(ratios):8.3f}    ({spread}; promised: {wanted})", flush=True)
