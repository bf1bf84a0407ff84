"""A build made twice in a row: what ran again though nobody changed anything, and what usually makes it so."""

from __future__ import annotations

from dataclasses import dataclass

from speedkit.errors import DockerfileError
from speedkit.forecast import Unsteady, unsteady_steps
from speedkit.history.finding import recording_of
from speedkit.history.reasons import explain
from speedkit.history.situations import situation_of
from speedkit.history.ways import RUNS
from speedkit.model import Build
from speedkit.rendering import Reason

__all__ = ["Repeated", "compare_with_repeat"]


@dataclass(frozen=True)
class Repeated:
    """The second of two equal builds.

    missed: its steps that ran, with their reasons. unsteady: what may not come out the same on another day or machine.
    """

    second: Build
    missed: tuple[Reason, ...]
    unsteady: tuple[Unsteady, ...]

    @property
    def finding(self) -> str:
        """What the second build showed, as a sentence."""
        if not self.second.ok:
            return "The second build failed."
        if not self.missed:
            return "Built again at once: every step came from the cache."
        steps = "1 step" if len(self.missed) == 1 else f"{len(self.missed)} steps"
        return f"Built again at once: {steps} ran again, though nothing was meant to change."


def compare_with_repeat(second: Build) -> Repeated:
    """What the second of two equal builds tells.

    Raises: RecordingError.
    """
    reasons = explain(second)
    missed = tuple(step for step in reasons.steps if step.state in RUNS)
    return Repeated(second, missed, _unsteady(second))


def _unsteady(build: Build) -> tuple[Unsteady, ...]:
    try:
        return unsteady_steps(situation_of(recording_of(build.id), build))
    except DockerfileError:
        return ()
