"""The builds of one workbench, in order, and the logs of their steps.

Logs of a long session would fill the kernel's memory. Only the last builds keep theirs; the log of an older build is read
from its recording.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from speedkit.messages import facts_in_one, message
from speedkit.page import BarPart, BuildRow, ForecastAndReasons, LogLines, build_counts, short_command, step_id, step_of
from speedkit.recordings import read_build, read_recording
from speedkit.words import seconds_text

if TYPE_CHECKING:
    from speedkit.model import Build, Outcome, Step
    from speedkit.rendering import Reason

__all__ = ["BuildInProgress", "BuildList", "SessionBuild"]

LOGS_OF_BUILDS_KEPT = 2
LOGS_READ_KEPT = 3
SHORTEST_PART = 0.02
"""A step gets a part of its build's bar from this share of the build's time on; a narrower part would be invisible."""


class BuildInProgress(Protocol):
    """What the workbench uses of a `speedkit.builds.RunningBuild`."""

    @property
    def done(self) -> bool: ...
    def cancel(self) -> None: ...
    def wait(self) -> Build: ...
    def wait_briefly(self, seconds: float) -> Build: ...
    def snapshot(self) -> Build: ...
    def log_chunks(self, digest: str, first: int = 0) -> list[bytes]: ...


@dataclass
class SessionBuild:
    """A build of this session.

    running: the build in progress; None before its start and after its end. build: its steps so far. problem: an error outside
    the Dockerfile. forecast_key: the state of the files when the build was requested. forecast: the forecast for that state.
    reasons: why the step of each line was cached or ran; None until they are computed after the end of the build.
    """

    number: int
    strategy: str
    cache_of: str
    edit: str
    cold: bool
    started_ms: float = field(default_factory=lambda: time.time() * 1000)
    running: BuildInProgress | None = None
    build: Build | None = None
    problem: BaseException | None = None
    ended: bool = False
    cancelled: bool = False
    forecast_key: object = None
    forecast: list[dict[str, Any]] | None = None
    reasons: dict[int, Reason] | None = None

    @property
    def explanations(self) -> ForecastAndReasons:
        """The forecast and the reasons of the steps. A cold build ignores the forecast, which is for a build with a cache."""
        forecast = () if self.cold or self.forecast is None else self.forecast
        return ForecastAndReasons(forecast, self.reasons or {})

    @property
    def is_recorded(self) -> bool:
        """Whether the build has a recording. A notice of a build without a folder may say that it could not be recorded."""
        return self.build is not None and (self.build.folder is not None or not self.build.notices)

    @property
    def label(self) -> str:
        edit = {"none": "", "custom": message("my edit")}.get(self.edit, self.edit)
        return facts_in_one(part for part in (self.strategy, edit, message("from cold") if self.cold else "") if part)

    def now(self) -> Build | None:
        """The latest snapshot of the build; its own thread takes one ten times a second."""
        if self.build is None and self.running is not None:
            with contextlib.suppress(Exception):
                self.build = self.running.snapshot()
        return self.build

    def row(self) -> BuildRow:
        """The build's row in the list of builds."""
        build = self.build if self.ended else None
        if build is None:
            return BuildRow(self.number, self.label, self._outcome(), 0.0)
        whole_seconds = max(build.seconds, 0.001)
        parts = tuple(
            BarPart(
                left=round(min(100.0, 100 * (step.started_seconds or 0.0) / whole_seconds), 2),
                width=round(min(100.0, 100 * step.seconds / whole_seconds), 2),
                label=short_command(step.instruction),
                is_failed=step.state == "failed",
            )
            for step in build.instructions
            if step.ran and step.seconds >= SHORTEST_PART * whole_seconds
        )
        return BuildRow(
            self.number,
            self.label,
            self._outcome(),
            round(build.seconds, 3),
            *build_counts(build),
            parts=parts,
            is_comparable=True,
        )

    def _outcome(self) -> Outcome:
        if not self.ended:
            return "running"
        return "broken" if self.problem is not None or self.build is None else self.build.outcome


class BuildList:
    """Builds by number, 1 first."""

    def __init__(self) -> None:
        self.all: list[SessionBuild] = []
        self._logs: OrderedDict[tuple[int, str, str | None], LogLines] = OrderedDict()

    def add(self, *, strategy: str, cache_of: str, edit: str, cold: bool) -> SessionBuild:
        self.all.append(SessionBuild(len(self.all) + 1, strategy, cache_of, edit, cold))
        return self.all[-1]

    def get(self, number: int) -> SessionBuild | None:
        return self.all[number - 1] if 0 < number <= len(self.all) else None

    @property
    def running(self) -> SessionBuild | None:
        return next((session_build for session_build in reversed(self.all) if not session_build.ended), None)

    def finished(self) -> list[SessionBuild]:
        return [session_build for session_build in self.all if session_build.ended and session_build.build is not None]

    @property
    def unexplained(self) -> list[SessionBuild]:
        """Builds that have ended and whose reasons are not computed yet."""
        return [session_build for session_build in self.all if session_build.ended and session_build.reasons is None]

    def rebuilding(self) -> str:
        """The seconds of the last rebuild after a change, by strategy, as a sentence; "" before the first rebuild."""
        rebuild_seconds: dict[str, float] = {}
        filled_caches: set[str] = set()
        for session_build in self.finished():
            if session_build.build is None or session_build.build.outcome != "done" or session_build.cold:
                continue
            if session_build.cache_of in filled_caches and build_counts(session_build.build)[1]:
                rebuild_seconds[session_build.strategy] = session_build.build.seconds
            filled_caches.add(session_build.cache_of)
        if not rebuild_seconds:
            return ""
        # Strategies stand in the order of their first rebuild and not by seconds: one run of each proves no ranking.
        amounts = facts_in_one(
            message("{seconds} with {strategy}", seconds=seconds_text(seconds), strategy=name)
            for name, seconds in list(rebuild_seconds.items())[-3:]
        )
        if len(rebuild_seconds) > 1:
            return message("Rebuilding took {amounts} (one run each)", amounts=amounts)
        return message("Rebuilding took {amounts}", amounts=amounts)

    def by_cache(self, cache: str, *, name: str) -> list[Build]:
        """The finished builds, oldest first: those that share `cache` have the strategy `name`, the others have none."""
        return [
            replace(session_build.build, strategy=name if session_build.cache_of == cache and not session_build.cold else "")
            for session_build in self.finished()
            if session_build.build is not None
        ]

    def end(self, session_build: SessionBuild, build: Build | None, problem: BaseException | None) -> None:
        """Store the result of a build."""
        session_build.build = build or _broken(session_build.now(), problem)
        session_build.problem = problem
        session_build.running = None
        session_build.ended = True
        # These logs were fed by the running build. The result of the build has them whole.
        self._logs.clear()
        for old in self.all[:-LOGS_OF_BUILDS_KEPT]:
            if old.build is not None and old.build.folder is not None:
                old.build = replace(old.build, step_list=tuple(replace(step, log="") for step in old.build.step_list))

    def log(self, number: int, id_of_step: str) -> LogLines | None:
        """The log of a step so far, by the step's id; None when the build has no such step."""
        session_build = self.get(number)
        if session_build is None or session_build.build is None:
            return None
        step = step_of(session_build.build, id_of_step)
        if step is None:
            return None
        # A build that starts over has new vertices for its steps, each with a log that begins anew.
        key = (number, id_of_step, step.digest if session_build.running is not None else None)
        lines = self._logs.get(key)
        if lines is None:
            lines = self._logs[key] = LogLines()
            if session_build.running is None:
                lines.feed(_full_log(session_build.build, step))
        if session_build.running is not None and step.digest is not None:
            lines.feed_chunks(session_build.running.log_chunks(step.digest, lines.chunks_fed))
        self._logs.move_to_end(key)
        while len(self._logs) > LOGS_READ_KEPT:
            self._logs.popitem(last=False)
        return lines


def _broken(build: Build | None, problem: BaseException | None) -> Build | None:
    """The last snapshot of a build that ended without a result, with its running steps cancelled."""
    if build is None or build.outcome != "running":
        return build
    steps = tuple(replace(step, state="cancelled") if step.state == "running" else step for step in build.step_list)
    return replace(build, outcome="broken", error=str(problem), step_list=steps)


def _full_log(build: Build, step: Step) -> str:
    """The log of a step of a finished build, from its recording where memory no longer has it."""
    if step.log or build.folder is None:
        return step.log
    recorded_step = step_of(read_build(read_recording(build.folder)), step_id(step))
    return "" if recorded_step is None else recorded_step.log
