"""The humps of a distribution of seconds: builds are quick or slow, and the mean of both is the time of no build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import median, pvariance

__all__ = ["Hump", "humps_of"]

_SEPARATE = 0.75
"""How much of the variance two humps have to explain to be two."""
_SMALLEST_PART = 0.05
_RATIO = 1.7
"""How much slower the middle of the second hump has to be."""


@dataclass(frozen=True, slots=True)
class Hump:
    """Builds that take about as long. outliers: places in the list, of builds that take more than three times the middle."""

    count: int
    middle: float
    lowest: float
    highest: float
    outliers: tuple[int, ...] = ()


def humps_of(seconds: Sequence[float]) -> tuple[Hump, ...]:
    """One hump or two, the quick one first; () for no builds."""
    places = sorted(range(len(seconds)), key=lambda place: seconds[place])
    if not places:
        return ()
    cut = _best_cut([seconds[place] for place in places])
    groups = [places[:cut], places[cut:]] if cut is not None else [places]
    return tuple(_hump([(place, seconds[place]) for place in group]) for group in groups)


def _best_cut(values: Sequence[float]) -> int | None:
    """Where sorted values fall apart in two groups, on a scale of ratios; None where they do not."""
    logs = [log(max(value, 0.1)) for value in values]
    whole = pvariance(logs) * len(logs)
    if whole <= 1e-9:
        return None
    # Sums from the left give each cut's variance within the two groups in constant time.
    total, squares = sum(logs), sum(value * value for value in logs)
    left = left_squares = 0.0
    best: tuple[float, int] | None = None
    for count, value in enumerate(logs[:-1], 1):
        left += value
        left_squares += value * value
        rest = len(logs) - count
        within = left_squares - left * left / count + (squares - left_squares) - (total - left) ** 2 / rest
        if min(count, rest) >= _SMALLEST_PART * len(logs) and (best is None or within < best[0]):
            best = within, count
    if best is None or 1 - best[0] / whole < _SEPARATE:
        return None
    is_apart = median(values[best[1] :]) >= _RATIO * max(median(values[: best[1]]), 0.1)
    return best[1] if is_apart else None


def _hump(builds: Sequence[tuple[int, float]]) -> Hump:
    values = sorted(seconds for _, seconds in builds)
    middle = median(values)
    outliers = tuple(sorted(place for place, seconds in builds if seconds > 3 * middle and seconds > middle + 1))
    # The range of nine builds in ten: the ends are single builds.
    low, high = values[int(0.05 * (len(values) - 1))], values[int(0.95 * (len(values) - 1))]
    return Hump(len(values), middle, low, high, outliers)
