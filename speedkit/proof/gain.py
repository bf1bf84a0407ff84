"""Whether measured builds show a gain, or no more than the noise of measuring.

Few runs have to be enough: a proof builds each commit once with either Dockerfile, because a second build of it would find
all steps in the cache. So the noise comes from builds that do the same work:

- The *spread* is the range of the seconds of all builds without a change, with either Dockerfile. No step runs in them, so the
  spread is what the machine, the engine and the transfer of the build context add to any build.
- The seconds of steps that run vary in proportion to their length: by `STEP_NOISE`, or by the difference between two cold
  builds of the original, where there are two.

The errors of single builds are independent of each other, so the error of a sum is the root of the sum of their squares. A
sum of savings within that error is no gain. A single commit's saving says little, therefore only the sum is judged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Gain", "Speed", "gain_of"]

STEP_NOISE = 0.15
"""The fraction of its length by which a step may be longer or shorter the next time, on a machine with other work."""
LEAST_SPREAD_SECONDS = 0.05
"""The least spread to count with: four quick builds may take the same time by chance."""

Speed = Literal["quicker", "same", "slower"]


@dataclass(frozen=True, slots=True)
class Gain:
    """What a change saves over some commits.

    saved_seconds: in all; negative where the change costs time. noise_seconds: a saving within it is none. change_percent: of
    the time of all rebuilds, negative for quicker ones.
    """

    saved_seconds: float
    noise_seconds: float
    change_percent: float

    @property
    def speed(self) -> Speed:
        if abs(self.saved_seconds) <= self.noise_seconds:
            return "same"
        return "quicker" if self.saved_seconds > 0 else "slower"


def gain_of(
    as_is: Sequence[float], patched: Sequence[float], unchanged: Sequence[float], repeated: Sequence[tuple[float, float]] = ()
) -> Gain:
    """The gain by the seconds of the same commits, built as they are and patched.

    unchanged: the seconds of builds in which nothing changed, of both. repeated: those of two builds with the same work.
    """
    spread = max([LEAST_SPREAD_SECONDS, *([max(unchanged) - min(unchanged)] if unchanged else [])])
    quickest = min(unchanged, default=0.0)
    step_noise = max([STEP_NOISE, *(abs(one - other) / max(one, other) for one, other in repeated if max(one, other) > 0)])
    noise = 0.0
    for one, other in zip(as_is, patched, strict=True):
        # Only the seconds above those of an unchanged build are work of steps. The spread accounts for the others.
        work = math.hypot(max(one - quickest, 0.0), max(other - quickest, 0.0))
        noise = math.hypot(noise, spread, step_noise * work)
    before, after = sum(as_is), sum(patched)
    change = 100 * (after - before) / before if before else 0.0
    return Gain(before - after, noise, change)
