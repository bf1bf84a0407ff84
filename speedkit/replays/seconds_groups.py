"""The groups of a distribution of seconds: some builds are quick, some are slow, and hardly one takes the mean of both.

The best cut between two groups is the one with the least variance within them (Otsu's method), on a logarithmic scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import median, pvariance

__all__ = ["SecondsGroup", "seconds_groups"]

_SEPARATE = 0.75
"""The share of the variance that a cut must explain: with less, the builds are one group."""
_SMALLEST_PART = 0.05
_RATIO = 1.7
"""The least ratio between the medians of two groups."""


@dataclass(frozen=True, slots=True)
class SecondsGroup:
    """Builds that take about the same time.

    middle: their median. outliers: the places, in the list of all builds, of those that take more than three times the median.
    """

    count: int
    middle: float
    lowest: float
    highest: float
    outliers: tuple[int, ...] = ()


def seconds_groups(seconds: Sequence[float]) -> tuple[SecondsGroup, ...]:
    """One group or two, the quick one first; () for no builds."""
    places = sorted(range(len(seconds)), key=lambda place: seconds[place])
    if not places:
        return ()
    cut = _best_cut([seconds[place] for place in places])
    groups = [places[:cut], places[cut:]] if cut is not None else [places]
    return tuple(_group([(place, seconds[place]) for place in group]) for group in groups)


def _best_cut(values: Sequence[float]) -> int | None:
    """The place between two groups of sorted values, on a scale of ratios; None when there is only one group."""
    # Twice as slow is as far apart for seconds as for minutes. Below 0.1 s, ratios are those of the clock.
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


def _group(builds: Sequence[tuple[int, float]]) -> SecondsGroup:
    values = sorted(seconds for _, seconds in builds)
    middle = median(values)
    outliers = tuple(sorted(place for place, seconds in builds if seconds > 3 * middle and seconds > middle + 1))
    # The range of nine builds in ten: the ends are single builds.
    low, high = values[int(0.05 * (len(values) - 1))], values[int(0.95 * (len(values) - 1))]
    return SecondsGroup(len(values), middle, low, high, outliers)
