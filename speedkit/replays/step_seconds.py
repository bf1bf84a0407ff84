"""How long the steps of a Dockerfile take, learned from real builds, and with them how long a commit's build takes.

The forecast for a step is the median of the builds in which it ran after the same kind of change, or after any change. The kind
of a change is the step at which the miss began, and whether the step ran for the first time: then its cache mounts were empty.
Steps of different stages run at the same time. So a build takes as long as its longest chain of steps, and the seconds that
every build needs for other work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from statistics import median

from .history_verdicts import DockerfileVersion, HistoryStep

__all__ = ["BuildSeconds", "ObservedBuild", "SecondsModel", "StepRun", "critical_path"]

_COPY_SECONDS = 0.1
_RUN_SECONDS = 1.0
"""A guess, for a RUN when no build has run any. The findings name such guesses."""
_SIMILAR = 0.6
"""The least similarity (difflib's ratio) of two instructions that take the same time: the options of a command change over a
history."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step that is forecast to run.

    origin: the instruction at which the miss began. first: its cache mounts are still empty. sure: it runs in any case; an
    unsure step runs only when the bytes of an earlier step come out differently.
    """

    number: int
    instruction: str
    origin: str
    first: bool = False
    sure: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class ObservedBuild:
    """A real build.

    seconds: of the whole build. forecast: the steps that were forecast to run. ran: the seconds of the steps that ran, by
    number. stand_in: whether a base image was a stand-in.
    """

    commit: str
    seconds: float
    dockerfile: DockerfileVersion
    forecast: tuple[StepRun, ...]
    ran: Mapping[int, float]
    stand_in: bool = False

    @property
    def other_seconds(self) -> float:
        """The seconds outside of the longest chain of steps: reading the context, writing the image."""
        longest, _ = critical_path(self.dockerfile.steps, self.ran)
        return max(self.seconds - longest, 0.0)


@dataclass(frozen=True, slots=True)
class BuildSeconds:
    """The forecast for a build. steps: by number. critical: the numbers of the steps on the longest chain."""

    total: float
    steps: Mapping[int, float]
    critical: tuple[int, ...]


class SecondsModel:
    """A model of the seconds of builds, learned from real ones.

    from_recordings: the real builds were recorded earlier, not made for this replay.
    """

    def __init__(self, builds: Sequence[ObservedBuild], *, from_recordings: bool = False) -> None:
        self.builds = tuple(builds)
        self.from_recordings = from_recordings
        self._seconds: defaultdict[str, list[tuple[StepRun, float]]] = defaultdict(list)
        unsure: defaultdict[str, list[bool]] = defaultdict(list)
        for build in builds:
            for run in build.forecast:
                if run.number in build.ran:
                    self._seconds[run.instruction].append((run, build.ran[run.number]))
                if not run.sure:
                    unsure[run.instruction].append(run.number in build.ran)
        self._ran_of_unsure = {instruction: sum(ran) / len(ran) for instruction, ran in unsure.items()}
        # A build without any step takes less for the rest, too: it writes no new image.
        self._other = {
            is_idle: median([build.other_seconds for build in builds if (not build.ran) == is_idle])
            for is_idle in {not build.ran for build in builds}
        }
        self._similar: dict[str, str | None] = {}
        self.guessed: set[str] = set()
        """Instructions that no build has run, and none similar to them; `build_seconds` adds them."""

    @property
    def stand_in(self) -> bool:
        """A base image of the builds was a stand-in."""
        return any(build.stand_in for build in self.builds)

    @cached_property
    def error_percent(self) -> float | None:
        """The error of the model: each build is forecast from the other builds, and all differences are divided by all seconds.

        None for fewer than three builds. The first one is left out: no other build began with an empty cache.
        """
        if len(self.builds) < 3:
            return None
        differences = seconds = 0.0
        for number, build in enumerate(self.builds[1:], 1):
            others = SecondsModel([*self.builds[:number], *self.builds[number + 1 :]])
            differences += abs(others.build_seconds(build.dockerfile.steps, build.forecast).total - build.seconds)
            seconds += build.seconds
        return 100.0 * differences / seconds if seconds else None

    def build_seconds(self, steps: Sequence[HistoryStep], runs: Sequence[StepRun]) -> BuildSeconds:
        """The forecast for a build in which some of the steps run."""
        # An unsure step counts with the share of the builds in which it did run.
        parts = {run.number: 1.0 if run.sure else self._ran_of_unsure.get(run.instruction, 1.0) for run in runs}
        seconds = {run.number: self._step_seconds(run) * parts[run.number] for run in runs}
        longest, critical = critical_path(steps, seconds)
        other = self._other.get(not runs, next(iter(self._other.values()), 0.0))
        return BuildSeconds(longest + other, seconds, critical)

    def _step_seconds(self, run: StepRun) -> float:
        instruction = self._like(run.instruction)
        if instruction is None:
            self.guessed.add(run.instruction)
            keyword = run.instruction.split(" ", 1)[0].upper()
            same = [seconds for name, runs in self._seconds.items() if name.upper().startswith(keyword) for _, seconds in runs]
            return median(same) if same else _RUN_SECONDS if keyword == "RUN" else _COPY_SECONDS
        runs = self._seconds[instruction]
        # From the most similar situation to the least: same start and origin, same start, any.
        same_start = [(other, seconds) for other, seconds in runs if other.first == run.first]
        same_kind = [seconds for other, seconds in same_start if other.origin == run.origin]
        return median(same_kind or [seconds for _, seconds in same_start or runs])

    def _like(self, instruction: str) -> str | None:
        """An instruction that real builds have run: the same one, or else the most similar one."""
        if instruction in self._seconds:
            return instruction
        if instruction not in self._similar:
            keyword = instruction.split(" ", 1)[0]
            candidates = [name for name in self._seconds if name.split(" ", 1)[0] == keyword]
            ratios = {name: SequenceMatcher(None, name, instruction, autojunk=False).ratio() for name in candidates}
            best = max(ratios, key=lambda name: ratios[name], default=None)
            self._similar[instruction] = best if best is not None and ratios[best] >= _SIMILAR else None
        return self._similar[instruction]


def critical_path(steps: Sequence[HistoryStep], seconds: Mapping[int, float]) -> tuple[float, tuple[int, ...]]:
    """The longest chain of steps that wait for each other: its seconds, and the numbers of the steps that take some."""
    by_line: dict[int, HistoryStep] = {}
    ends: dict[int, float] = {}
    waits_for: dict[int, int | None] = {}
    for step in steps:
        sources = [by_line[source.line].number for source in step.sources if source.line in by_line]
        slowest = max(sources, key=lambda number: ends[number], default=None)
        ends[step.number] = seconds.get(step.number, 0.0) + (ends[slowest] if slowest is not None else 0.0)
        waits_for[step.number] = slowest
        by_line[step.line] = step
    # From the step that ends last, back along the steps that each one waited for.
    last = max(ends, key=lambda number: ends[number], default=None)
    total, chain = (ends[last] if last is not None else 0.0), []
    while last is not None:
        chain.append(last)
        last = waits_for[last]
    return total, tuple(number for number in reversed(chain) if seconds.get(number, 0.0) > 0)
