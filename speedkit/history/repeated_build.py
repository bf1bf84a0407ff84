"""A build made twice: which steps ran again though nothing changed, which files differ, and the usual causes of both."""

from __future__ import annotations

from dataclasses import dataclass

from speedkit.advice import UnsteadyStep, unsteady_steps
from speedkit.engine import ISOLATION_MARKS, layers_of
from speedkit.errors import DockerfileError
from speedkit.images import Difference, compare_images
from speedkit.messages import message, plural
from speedkit.model import Build
from speedkit.rendering import Reason

from .find_builds import recording_of
from .miss_paths import RUN_STATES
from .reasons import explain
from .situations import situation_of

__all__ = ["RepeatedBuild", "compare_cold_repeat", "compare_with_repeat"]


@dataclass(frozen=True)
class RepeatedBuild:
    """The second of two equal builds.

    missed: its steps that ran, with their reasons. differences: files that are not the same in both images; None when the
    images were not compared. unsteady: instructions that may come out differently on another day or machine.
    """

    second: Build
    missed: tuple[Reason, ...]
    unsteady: tuple[UnsteadyStep, ...]
    differences: tuple[Difference, ...] | None = None

    @property
    def same(self) -> bool:
        return not self.missed and not self.differences

    @property
    def summary(self) -> str:
        """What the second build showed, as a sentence."""
        if not self.second.ok:
            return message("The second build failed.")
        if self.differences:
            return plural(
                "Built again from cold: {count} file came out differently.",
                "Built again from cold: {count} files came out differently.",
                len(self.differences),
            )
        if self.differences is not None:
            return message("Built again from cold: no file came out differently.")
        if self.missed:
            return plural(
                "Built again at once: {count} step ran again, though nothing was meant to change.",
                "Built again at once: {count} steps ran again, though nothing was meant to change.",
                len(self.missed),
            )
        return message("Built again at once: every step came from the cache.")


def compare_with_repeat(second: Build) -> RepeatedBuild:
    """The steps of a repeated build that were not cached, though an equal build in the same cache came right before.

    Raises: RecordingError.
    """
    reasons = explain(second)
    missed = tuple(step for step in reasons.steps if step.state in RUN_STATES)
    return RepeatedBuild(second, missed, _unsteady(second))


def compare_cold_repeat(first: Build, second: Build) -> RepeatedBuild:
    """The files that differ between the images of two equal builds from cold, compared byte for byte but without their times.

    Raises: RecordingError, EngineError, ArchiveError.
    """
    if not first.image or not second.image:
        return RepeatedBuild(second, (), _unsteady(second), ())
    compared = compare_images(layers_of(first.image), layers_of(second.image))
    # Each of the two has a mark of its own in its base, or the second build would have been cached.
    differences = tuple(one for one in compared.differences if one.path not in ISOLATION_MARKS)
    return RepeatedBuild(second, (), _unsteady(second), differences)


def _unsteady(build: Build) -> tuple[UnsteadyStep, ...]:
    try:
        return unsteady_steps(situation_of(recording_of(build.id), build))
    except DockerfileError:
        return ()
