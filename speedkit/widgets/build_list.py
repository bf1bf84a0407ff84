"""The builds of one workbench, in order, and the logs of their steps.

Logs of long sessions would fill the kernel's memory: only the last builds keep theirs, older ones are read again from
their recordings.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from speedkit.messages import message
from speedkit.page import Background, BarPart, BuildRow, LogLines, build_counts, short_command, step_of
from speedkit.recordings import read_build, read_recording
from speedkit.words import seconds_text

if TYPE_CHECKING:
    from speedkit.model import Build, Outcome, Step
    from speedkit.rendering import Reason

__all__ = ["BuildList", "Running", "SessionBuild"]

LOGS_OF_BUILDS_KEPT = 2
LOGS_READ_KEPT = 3
SHORTEST_PART = 0.02


class Running(Protocol):
    """A build under way, as `speedkit.builds.RunningBuild` is one."""

    @property
    def done(self) -> bool: ...
    def cancel(self) -> None: ...
    def wait(self) -> Build: ...
    def wait_briefly(self, seconds: float) -> Build: ...
    def snapshot(self) -> Build: ...
    def log_chunks(self, digest: str, first: int = 0) -> list[bytes]: ...


@dataclass
class SessionBuild:
    """A build of the session. running: None before it has begun and after it has ended. build: as far as it came.

    asked: the state of the files when it was asked for. expected: the forecast for that state. reasons: why each line was
    cached or ran; None until it has ended and they are found.
    """

    number: int
    strategy: str
    cache_of: str
    edit: str
    cold: bool
    started_ms: float = field(default_factory=lambda: time.time() * 1000)
    running: Running | None = None
    build: Build | None = None
    problem: BaseException | None = None
    ended: bool = False
    cancelled: bool = False
    asked: object = None
    expected: list[dict[str, Any]] | None = None
    reasons: dict[int, Reason] | None = None

    @property
    def background(self) -> Background:
        """What is known of the steps besides what BuildKit says; a build from cold finds nothing, whatever was forecast."""
        expected = () if self.cold or self.expected is None else self.expected
        return Background(expected, self.reasons or {})

    @property
    def is_recorded(self) -> bool:
        """Its recording could be kept: it has a folder, or says nothing of what could not be done."""
        return self.build is not None and (self.build.folder is not None or not self.build.notices)

    @property
    def label(self) -> str:
        edit = {"none": "", "custom": message("my edit")}.get(self.edit, self.edit)
        return ", ".join(part for part in (self.strategy, edit, message("from cold") if self.cold else "") if part)

    def now(self) -> Build | None:
        """The build as it was when it was last looked at, which its own thread does ten times a second."""
        if self.build is None and self.running is not None:
            with contextlib.suppress(Exception):
                self.build = self.running.snapshot()
        return self.build

    def row(self) -> BuildRow:
        """The build's row in the list of builds."""
        build = self.build if self.ended else None
        if build is None:
            return BuildRow(self.number, self.label, self._outcome(), 0.0)
        return BuildRow(
            self.number, self.label, self._outcome(), round(build.seconds, 3), *build_counts(build), parts=_parts(build)
        )

    def _outcome(self) -> Outcome:
        if not self.ended:
            return "running"
        return "broken" if self.problem is not None or self.build is None else self.build.outcome


class BuildList:
    """Builds by number, 1 first."""

    def __init__(self) -> None:
        self.listed: list[SessionBuild] = []
        self._logs: OrderedDict[tuple[int, str], LogLines] = OrderedDict()

    def add(self, *, strategy: str, cache_of: str, edit: str, cold: bool) -> SessionBuild:
        self.listed.append(SessionBuild(len(self.listed) + 1, strategy, cache_of, edit, cold))
        return self.listed[-1]

    def get(self, number: int) -> SessionBuild | None:
        return self.listed[number - 1] if 0 < number <= len(self.listed) else None

    @property
    def running(self) -> SessionBuild | None:
        return next((listed for listed in reversed(self.listed) if not listed.ended), None)

    def finished(self) -> list[SessionBuild]:
        return [listed for listed in self.listed if listed.ended and listed.build is not None]

    @property
    def unexplained(self) -> list[SessionBuild]:
        """Those that ended, but why their steps ran is not found yet."""
        return [listed for listed in self.listed if listed.ended and listed.reasons is None]

    def rebuilding(self) -> str:
        """What a rebuild after a change took last, by strategy; "" before there was one."""
        took: dict[str, float] = {}
        built: set[str] = set()
        for listed in self.finished():
            if listed.build is None or listed.build.outcome != "done" or listed.cold:
                continue
            if listed.cache_of in built and build_counts(listed.build)[1]:
                took[listed.strategy] = listed.build.seconds
            built.add(listed.cache_of)
        if not took:
            return ""
        # In the order in which they were built first: one run each is no ranking.
        amounts = ", ".join(
            message("{seconds} with {strategy}", seconds=seconds_text(seconds), strategy=name)
            for name, seconds in list(took.items())[-3:]
        )
        if len(took) > 1:
            return message("Rebuilding took {amounts} (one run each)", amounts=amounts)
        return message("Rebuilding took {amounts}", amounts=amounts)

    def by_cache(self, cache: str, *, name: str) -> list[Build]:
        """The finished builds; those that share a strategy's cache bear the strategy name given, the others none."""
        return [
            replace(listed.build, strategy=name if listed.cache_of == cache and not listed.cold else "")
            for listed in self.finished()
            if listed.build is not None
        ]

    def end(self, listed: SessionBuild, build: Build | None, problem: BaseException | None) -> None:
        """Note how a build ended."""
        listed.build = build or _broken(listed.now(), problem)
        listed.problem = problem
        listed.running = None
        listed.ended = True
        self._logs.clear()
        for old in self.listed[:-LOGS_OF_BUILDS_KEPT]:
            if old.build is not None and old.build.folder is not None:
                old.build = _without_logs(old.build)

    def log(self, number: int, step: str) -> LogLines | None:
        """The log of a step, as far as it came; None when there is no such step."""
        listed = self.get(number)
        found = step_of(listed.build, step) if listed is not None and listed.build is not None else None
        if listed is None or found is None:
            return None
        lines = self._logs.get((number, step))
        if lines is None:
            lines = self._logs[number, step] = LogLines()
            if listed.running is None:
                lines.feed(_full_log(listed, step))
        if listed.running is not None and found.digest is not None:
            lines.feed_chunks(listed.running.log_chunks(found.digest, lines.chunks_fed))
        self._logs.move_to_end((number, step))
        while len(self._logs) > LOGS_READ_KEPT:
            self._logs.popitem(last=False)
        return lines


def _parts(build: Build) -> tuple[BarPart, ...]:
    """Where in a build its steps took their time."""
    whole = max(build.seconds, 0.001)
    return tuple(
        BarPart(
            left=round(min(100.0, 100 * (step.started_seconds or 0.0) / whole), 2),
            width=round(min(100.0, 100 * step.seconds / whole), 2),
            label=short_command(step.instruction),
            is_failed=step.state == "failed",
        )
        for step in build.instructions
        if step.ran and step.seconds >= SHORTEST_PART * whole
    )


def _broken(build: Build | None, problem: BaseException | None) -> Build | None:
    """What is known of a build that ended without a result."""
    if build is None or build.outcome != "running":
        return build
    steps = tuple(replace(step, state="cancelled") if step.state == "running" else step for step in build.step_list)
    return replace(build, outcome="broken", error=str(problem), step_list=steps)


def _without_logs(build: Build) -> Build:
    return replace(build, step_list=tuple(replace(step, log="") for step in build.step_list))


def _full_log(listed: SessionBuild, wanted: str) -> str:
    build = listed.build
    if build is None:
        return ""
    step: Step | None = step_of(build, wanted)
    if step is not None and not step.log and build.folder is not None:
        step = step_of(read_build(read_recording(build.folder)), wanted)
    return step.log if step is not None else ""
