"""What counts as a measurement: builds grouped by strategy and edit, in one order for all figures and tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from speedkit.apps import sample_edits
from speedkit.messages import message
from speedkit.model import Build
from speedkit.words import seconds_text

__all__ = [
    "COLD",
    "SAME_SIZE",
    "UNCHANGED",
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

COLD = "cold"
UNCHANGED = "none"
NOT_COMPARED = frozenset({"custom", "corrected", "retry"})
"""Edits that are different each time: text that the reader typed, the first build of the original files after builds of changed
files alone, and the build after one that failed or was cancelled."""
SHORTEST_SECONDS = 0.001
FEWEST_RUNS = 3
"""From so many runs on, the spread of a build shows how much its next run may differ.

With two runs each of the same build, all runs of one pair are shorter than all runs of the other in a third of all cases; with
three runs each, in a tenth. With three runs, the gap is also wider than both spreads in 1 of 100 cases.
"""
SAME_SIZE = 1.01
"""Images whose sizes differ by less than this factor count as equally large."""


class HasBuilds(Protocol):
    """A comparison, or anything else with builds."""

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
        """The time of the slowest run divided by that of the quickest one."""
        return self.high_seconds / max(self.low_seconds, SHORTEST_SECONDS)

    @property
    def spread(self) -> str:
        """The range of the runs in words; "" for a single run."""
        if not self.is_repeated:
            return ""
        return message("{low} to {high}", low=seconds_text(self.low_seconds), high=seconds_text(self.high_seconds))


def _words_by_edit() -> dict[str, str]:
    """What a build was made after, inside a sentence, in the order of all figures; the edits' own words come from the edits."""
    return {
        COLD: message("a cold build"),
        **{edit.name: edit.title for edit in sample_edits()},
        "corrected": message("an error corrected"),
        "retry": message("another try"),
        "custom": message("an edit of your own"),
        "a line appended": message("a line appended"),
    }


def edit_words(edit: str) -> str:
    """An edit in words that fit after "after": `a field renamed`. The name of an edit of the reader's own stays as it is."""
    return _words_by_edit().get(edit, edit)


def sources_words(edit: str) -> str:
    """The words for the sources of a build: `built after a field renamed`."""
    if edit in (COLD, UNCHANGED):
        return message("built of the files as they were")
    return message("built after {edit}", edit=edit_words(edit))


def edit_heading(edit: str) -> str:
    """An edit as the head of a column: `field renamed`. A name of the reader's own loses its article."""
    headings = {
        COLD: message("cold build"),
        **{edit.name: edit.heading for edit in sample_edits()},
        "corrected": message("error corrected"),
        "retry": message("another try"),
        "custom": message("edit of your own"),
        "a line appended": message("line appended"),
    }
    if edit in headings:
        return headings[edit]
    first, _, rest = edit.partition(" ")
    return rest if first in ("a", "an", "the") else edit


def edits_in_order(edits: Iterable[str]) -> list[str]:
    """Each edit once: first those of the sample app in their order, then others in the order in which they come."""
    distinct = list(dict.fromkeys(edits))
    known = _words_by_edit()
    return [edit for edit in known if edit in distinct] + [edit for edit in distinct if edit not in known]


def comparable_builds(builds: Sequence[Build]) -> list[Build]:
    """The builds whose edit is the same each time, see `NOT_COMPARED`; all builds when there is none."""
    repeatable = [build for build in builds if build.edit not in NOT_COMPARED]
    return repeatable or list(builds)


def common_edit(builds: Sequence[Build]) -> str:
    """The edit after which the most strategies were built; the first of equals, "" without builds."""
    strategies_of: dict[str, set[str]] = {}
    for build in builds:
        strategies_of.setdefault(build.edit, set()).add(build.strategy)
    return max(strategies_of, key=lambda edit: len(strategies_of[edit]), default="")


def without_repeats(builds: Sequence[Build]) -> list[Build]:
    """The builds that show what an edit costs.

    A second build after the same edit has nothing left to do and says nothing about the edit. It is left out when another
    build of the same strategy and edit ran a step.
    """
    with_work = {(build.strategy, build.edit) for build in builds if _ran_a_step(build)}
    return [build for build in builds if _ran_a_step(build) or (build.strategy, build.edit) not in with_work]


def _ran_a_step(build: Build) -> bool:
    return any(step.ran for step in build.instructions)


def measurable_builds(source: HasBuilds | Sequence[Build]) -> list[Build]:
    """The successful builds of a comparison or a list, each once, see `without_repeats`."""
    builds = source if isinstance(source, Sequence) else source.builds
    # A notebook cell may list a build twice, as its own and as a recorded one. Two equal runs would show no spread at all.
    return without_repeats([build for build in {build.id: build for build in builds}.values() if build.ok])


def measure(source: HasBuilds | Sequence[Build]) -> list[Measurement]:
    """The runs by strategy and edit, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Build]] = {}
    for build in measurable_builds(source):
        groups.setdefault((build.strategy, build.edit), []).append(build)
    return [Measurement(strategy, edit, tuple(builds)) for (strategy, edit), builds in groups.items()]


def is_beyond_spread(slow: Measurement, fast: Measurement, measured: Iterable[Measurement]) -> bool:
    """Whether two measurements differ by more than runs of one and the same build do.

    Distances are factors, not seconds. With three runs or more of both, the gap between them must be wider than the spread of
    either: from the slowest run of `fast` to the quickest run of `slow`. With fewer runs, their medians must differ by more
    than the widest spread in `measured`; without any repeated run there, the answer is no.
    """
    if min(len(slow.builds), len(fast.builds)) >= FEWEST_RUNS:
        return slow.low_seconds > max(slow.spread_factor, fast.spread_factor) * fast.high_seconds
    factors = [one.spread_factor for one in measured if one.is_repeated]
    return bool(factors) and slow.seconds > max(factors) * fast.seconds


def quickest(candidates: Sequence[Measurement], measured: Sequence[Measurement]) -> list[Measurement]:
    """The candidates than which no other one is quicker beyond the spread of the runs in `measured`."""
    return [one for one in candidates if not any(is_beyond_spread(one, other, measured) for other in candidates)]


def slowest(candidates: Sequence[Measurement], measured: Sequence[Measurement]) -> list[Measurement]:
    """The candidates than which no other one is slower beyond the spread of the runs in `measured`."""
    return [one for one in candidates if not any(is_beyond_spread(other, one, measured) for other in candidates)]


def smallest_images(builds: Sequence[Build]) -> list[Build]:
    """The builds with the smallest image, and those whose image is larger by less than a hundredth."""
    least = min((build.image_bytes or 0 for build in builds), default=0)
    return [build for build in builds if (build.image_bytes or 0) <= least * SAME_SIZE]
