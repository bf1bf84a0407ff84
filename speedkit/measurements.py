"""What counts as a measurement: builds grouped by strategy and edit, in one order for all figures and tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from speedkit.messages import message
from speedkit.model import Build
from speedkit.words import seconds_text

__all__ = [
    "COLD",
    "EDITS",
    "NONE",
    "SAME_SIZE",
    "HasBuilds",
    "Measurement",
    "common_edit",
    "comparable_builds",
    "edit_heading",
    "edit_words",
    "edits_in_order",
    "is_beyond_spread",
    "measurable_builds",
    "measure",
    "quickest",
    "slowest",
    "smallest_images",
    "sources_words",
    "without_repeats",
]

EDITS = {
    "cold": message("a cold build"),
    "none": message("nothing changed"),
    "touch": message("a file touched"),
    "comment": message("a comment added"),
    "rename-field": message("a field renamed"),
    "readme": message("the README edited"),
    "add-dependency": message("a dependency added"),
    "break": message("a compile error"),
    "corrected": message("an error corrected"),
    "retry": message("another try"),
    "custom": message("an edit of your own"),
    "a line appended": message("a line appended"),
}
HEADINGS = {
    "cold": message("cold build"),
    "none": message("nothing changed"),
    "touch": message("file touched"),
    "comment": message("comment added"),
    "rename-field": message("field renamed"),
    "readme": message("README edited"),
    "add-dependency": message("dependency added"),
    "break": message("compile error"),
    "corrected": message("error corrected"),
    "retry": message("another try"),
    "custom": message("edit of your own"),
    "a line appended": message("line appended"),
}
"""The same in as few words as the head of a column has room for."""
COLD = "cold"
NONE = "none"
NOT_COMPARED = frozenset({"custom", "corrected", "retry"})
"""Edits that are not the same each time: what somebody typed, the first good build after a mistake, and the build after one
that failed or was cancelled."""
SHORTEST_SECONDS = 0.001
FEWEST_RUNS = 3
"""From so many runs on, the spread of a build tells how much its next run may differ.

Of two builds that are the same, the runs of one all lie below those of the other in a third of all cases with two runs each,
and in a tenth with three. That the distance is wider than both spreads as well happens to 1 in 100 with three runs.
"""
SAME_SIZE = 1.01
"""Images whose sizes differ by less than this factor are called equally large."""


class HasBuilds(Protocol):
    """A comparison, or whatever else holds builds."""

    @property
    def builds(self) -> tuple[Build, ...]: ...


@dataclass(frozen=True, slots=True)
class Measurement:
    """All runs of one strategy under one edit."""

    strategy: str
    edit: str
    builds: tuple[Build, ...]

    @property
    def seconds(self) -> float:
        """The median of the runs."""
        return statistics.median(build.seconds for build in self.builds)

    @property
    def low_seconds(self) -> float:
        return min(build.seconds for build in self.builds)

    @property
    def high_seconds(self) -> float:
        return max(build.seconds for build in self.builds)

    @property
    def is_repeated(self) -> bool:
        return len(self.builds) > 1

    @property
    def spread_factor(self) -> float:
        """How many times as long as the quickest run the slowest one took."""
        return self.high_seconds / max(self.low_seconds, SHORTEST_SECONDS)

    @property
    def spread(self) -> str:
        """The range of the runs; nothing for a single one."""
        if not self.is_repeated:
            return ""
        return message("{low} to {high}", low=seconds_text(self.low_seconds), high=seconds_text(self.high_seconds))


def edit_words(edit: str) -> str:
    """An edit in words, as a sentence goes on with it."""
    return EDITS.get(edit, edit)


def sources_words(edit: str) -> str:
    """The sources that a build was made of: `built after a field renamed`."""
    if edit in (COLD, NONE):
        return message("built of the files as they were")
    return message("built after {edit}", edit=edit_words(edit))


def edit_heading(edit: str) -> str:
    """An edit as the head of a column; one that somebody named in a sentence's words, without the article."""
    if edit in HEADINGS:
        return HEADINGS[edit]
    first, _, rest = edit.partition(" ")
    return rest if first in ("a", "an", "the") else edit


def edits_in_order(edits: Iterable[str]) -> list[str]:
    """Each edit once: the sample app's in their own order, then others as they come."""
    found = list(dict.fromkeys(edits))
    return [edit for edit in EDITS if edit in found] + [edit for edit in found if edit not in EDITS]


def comparable_builds(builds: Sequence[Build]) -> list[Build]:
    """The builds whose edits have a name; all of them when none has. Two edits that somebody typed are not the same edit."""
    named = [build for build in builds if build.edit not in NOT_COMPARED]
    return named or list(builds)


def common_edit(builds: Sequence[Build]) -> str:
    """The edit after which the most strategies were built; the first of several, "" without builds."""
    strategies_of: dict[str, set[str]] = {}
    for build in builds:
        strategies_of.setdefault(build.edit, set()).add(build.strategy)
    return max(strategies_of, key=lambda edit: len(strategies_of[edit]), default="")


def without_repeats(builds: Sequence[Build]) -> list[Build]:
    """The builds that show what an edit costs.

    Somebody who builds twice after one edit gets a second build with nothing left to do. It says nothing about the edit,
    so it is left out where another build of the same strategy and edit had something to do.
    """
    had_work = {(build.strategy, build.edit) for build in builds if _had_work(build)}
    return [build for build in builds if _had_work(build) or (build.strategy, build.edit) not in had_work]


def _had_work(build: Build) -> bool:
    return any(step.ran for step in build.instructions)


def measurable_builds(source: HasBuilds | Sequence[Build]) -> list[Build]:
    """The builds of a comparison or a list that went well and are no repeats, each once.

    A cell that adds its own builds to the recorded ones has them twice: counted so, one run would pass for two equal ones.
    """
    builds = source if isinstance(source, Sequence) else source.builds
    return without_repeats([build for build in {build.id: build for build in builds}.values() if build.ok])


def measure(source: HasBuilds | Sequence[Build]) -> list[Measurement]:
    """The runs by strategy and edit, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Build]] = {}
    for build in measurable_builds(source):
        groups.setdefault((build.strategy, build.edit), []).append(build)
    return [Measurement(strategy, edit, tuple(builds)) for (strategy, edit), builds in groups.items()]


def is_beyond_spread(slow: Measurement, fast: Measurement, measured: Iterable[Measurement]) -> bool:
    """Whether two measurements lie further apart than runs of one and the same build do.

    Where both were run three times or more, the quickest run of the slow one must lie further from the slowest run of the fast
    one than the runs of either lie apart. Otherwise the two must differ by more than the runs of any build among `measured`
    that was repeated; without any, nothing can be said about seconds.
    """
    if min(len(slow.builds), len(fast.builds)) >= FEWEST_RUNS:
        return slow.low_seconds > max(slow.spread_factor, fast.spread_factor) * fast.high_seconds
    factors = [one.spread_factor for one in measured if one.is_repeated]
    return bool(factors) and slow.seconds > max(factors) * fast.seconds


def quickest(candidates: Sequence[Measurement], measured: Sequence[Measurement]) -> list[Measurement]:
    """Those candidates that no other one is quicker than, beyond the spread of the runs in `measured`."""
    return [one for one in candidates if not any(is_beyond_spread(one, other, measured) for other in candidates)]


def slowest(candidates: Sequence[Measurement], measured: Sequence[Measurement]) -> list[Measurement]:
    """Those candidates that no other one is slower than, beyond the spread of the runs in `measured`."""
    return [one for one in candidates if not any(is_beyond_spread(other, one, measured) for other in candidates)]


def smallest_images(builds: Sequence[Build]) -> list[Build]:
    """The builds whose images are equally small, to within a hundredth."""
    least = min((build.image_bytes or 0 for build in builds), default=0)
    return [build for build in builds if (build.image_bytes or 0) <= least * SAME_SIZE]
