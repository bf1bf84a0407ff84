"""What counts as a measurement: builds grouped by strategy and edit, in one order for all figures and tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from speedkit.model import Build
from speedkit.rendering.amounts import seconds_text

__all__ = [
    "COLD",
    "EDITS",
    "NONE",
    "HasBuilds",
    "Measured",
    "builds_of",
    "comparable",
    "edits_in_order",
    "heading",
    "measure",
    "said",
    "without_repeats",
]

EDITS = {
    "cold": "nothing cached",
    "none": "nothing changed",
    "touch": "a file touched",
    "comment": "a comment added",
    "rename-field": "a field renamed",
    "readme": "the README edited",
    "add-dependency": "a dependency added",
    "break": "a compile error",
    "custom": "an edit of your own",
}
COLD = "cold"
NONE = "none"
CUSTOM = "custom"


class HasBuilds(Protocol):
    """A comparison, or whatever else holds builds."""

    @property
    def builds(self) -> tuple[Build, ...]: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """All runs of one strategy under one edit."""

    strategy: str
    edit: str
    builds: tuple[Build, ...]

    @property
    def seconds(self) -> float:
        """The median of the runs."""
        return statistics.median(build.seconds for build in self.builds)

    @property
    def spread(self) -> str:
        """The range of the runs; nothing for a single one."""
        if len(self.builds) < 2:
            return ""
        low, high = min(b.seconds for b in self.builds), max(b.seconds for b in self.builds)
        return f"{seconds_text(low)} to {seconds_text(high)}"


def said(edit: str) -> str:
    """An edit in words, as a sentence goes on with it."""
    return EDITS.get(edit, edit)


def heading(edit: str) -> str:
    """An edit in as few words as the head of a column has room for."""
    first, _, rest = said(edit).partition(" ")
    return rest if first in ("a", "an", "the") else said(edit)


def edits_in_order(edits: Iterable[str]) -> list[str]:
    """Each edit once: the sample app's in their own order, then others as they come."""
    found = list(dict.fromkeys(edits))
    return [edit for edit in EDITS if edit in found] + [edit for edit in found if edit not in EDITS]


def comparable(builds: Sequence[Build]) -> list[Build]:
    """The builds whose edits have a name; all of them when none has. Two edits that somebody typed are not the same edit."""
    named = [build for build in builds if build.edit != CUSTOM]
    return named or list(builds)


def without_repeats(builds: Sequence[Build]) -> list[Build]:
    """The builds that show what an edit costs.

    Somebody who builds twice after one edit gets a second build with nothing left to do. It says nothing about the edit,
    so it is left out where another build of the same strategy and edit had something to do.
    """
    had_work = {(build.strategy, build.edit) for build in builds if _had_work(build)}
    return [build for build in builds if _had_work(build) or (build.strategy, build.edit) not in had_work]


def _had_work(build: Build) -> bool:
    return any(step.ran for step in build.instructions)


def builds_of(source: HasBuilds | Sequence[Build]) -> list[Build]:
    """The builds of a comparison or a list that went well and are no repeats."""
    builds = source if isinstance(source, Sequence) else source.builds
    return without_repeats([build for build in builds if build.ok])


def measure(source: HasBuilds | Sequence[Build]) -> list[Measured]:
    """The runs by strategy and edit, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Build]] = {}
    for build in builds_of(source):
        groups.setdefault((build.strategy, build.edit), []).append(build)
    return [Measured(strategy, edit, tuple(builds)) for (strategy, edit), builds in groups.items()]
