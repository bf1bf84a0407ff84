"""One check of an exercise: its builds, its findings, and the verdict."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from speedkit.apps import App
from speedkit.engine import connect
from speedkit.errors import DockerfileError, Misuse

from .checked_builds import CheckedBuilds
from .findings import Finding
from .task import Task

__all__ = ["RunningCheck", "Verdict"]

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a check.

    passed: all claims hold. said: what the check saw; without a pass, the claim that does not hold. findings: all claims that
    were looked at. seconds: how long the check took. builds: the ids of its builds, for `sk.explain`. stand_ins: what took the
    place of base images, in a few words.
    """

    passed: bool
    findings: tuple[Finding, ...]
    seconds: float = 0.0
    builds: tuple[str, ...] = ()
    stand_ins: str = ""

    @property
    def said(self) -> str:
        last = self.findings[-1:]
        return " ".join(finding.sentence for finding in (self.findings if self.passed else last))

    def to_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "said": self.said,
            "findings": [{"ok": finding.ok, "sentence": finding.sentence} for finding in self.findings],
            "seconds": round(self.seconds, 3),
            "builds": list(self.builds),
            "stand_ins": self.stand_ins,
        }

    def _repr_html_(self) -> str:
        from .exercise_html import verdict_html  # it knows verdicts, and this one its HTML

        return verdict_html(self)


class RunningCheck:
    """A check that one thread runs, and that another may end."""

    def __init__(self, task: Task, app: App, *, on_begin: Callable[[str], None] = lambda _: None) -> None:
        self._task, self._app, self._on_begin = task, app, on_begin
        self._builds: CheckedBuilds | None = None
        self._is_cancelled = False

    def cancel(self) -> None:
        """End the check: `run` then raises CheckCancelled."""
        self._is_cancelled = True
        if self._builds is not None:
            self._builds.cancel()

    def run(self) -> Verdict:
        """The verdict. Raises: CheckCancelled, EngineError, DiskFull, StateRefused."""
        began, findings = time.monotonic(), list[Finding]()
        builds = CheckedBuilds(connect(), self._app, on_begin=self._on_begin)
        self._builds = builds
        if self._is_cancelled:
            builds.cancel()
        try:
            # The reason of a step compares a build with the one before it in the same cache, which all exercises share.
            with _ONE_AT_A_TIME, builds:
                for finding in self._task.check(builds):
                    findings.append(finding)
                    if not finding.ok:
                        break
        except (Misuse, DockerfileError) as problem:
            # What the learner's files say, such as no Dockerfile at all, is an answer and not a failure of the check.
            findings.append(Finding(False, " ".join(filter(None, [problem.what, problem.fix]))))
        return Verdict(
            passed=bool(findings) and all(finding.ok for finding in findings),
            findings=tuple(findings),
            seconds=time.monotonic() - began,
            builds=tuple(one.build.id for one in builds.builds),
            stand_ins=next((one.build.stand_ins for one in builds.builds if one.build.stand_ins), ""),
        )
