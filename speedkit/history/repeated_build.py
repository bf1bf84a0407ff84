"""A build made twice: what ran again though nobody changed anything, what came out differently, what usually makes it so."""

from __future__ import annotations

from dataclasses import dataclass

from speedkit.advice import Unsteady, unsteady_steps
from speedkit.engine import ISOLATION_MARKS, layers_of
from speedkit.errors import DockerfileError
from speedkit.images import Difference, compare_images
from speedkit.messages import message, plural
from speedkit.model import Build
from speedkit.rendering import Reason

from .find_builds import recording_of
from .miss_paths import RUNS
from .reasons import explain
from .situations import situation_of

__all__ = ["Repeated", "compare_cold_repeat", "compare_with_repeat"]


@dataclass(frozen=True)
class Repeated:
    """The second of two equal builds.

    missed: its steps that ran, with their reasons. differences: files of the image that came out differently; None when
    they were not compared. unsteady: what may not come out the same on another day or machine.
    """

    second: Build
    missed: tuple[Reason, ...]
    unsteady: tuple[Unsteady, ...]
    differences: tuple[Difference, ...] | None = None

    @property
    def same(self) -> bool:
        return not self.missed and not self.differences

    @property
    def finding(self) -> str:
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


def compare_with_repeat(second: Build) -> Repeated:
    """What the second of two equal builds in one cache tells.

    Raises: RecordingError.
    """
    reasons = explain(second)
    missed = tuple(step for step in reasons.steps if step.state in RUNS)
    return Repeated(second, missed, _unsteady(second))


def compare_cold_repeat(first: Build, second: Build) -> Repeated:
    """What the second of two equal builds from cold tells: the files of their images, byte for byte, their times left out.

    Raises: RecordingError, EngineError, ArchiveError.
    """
    if not first.image or not second.image:
        return Repeated(second, (), _unsteady(second), ())
    compared = compare_images(layers_of(first.image), layers_of(second.image))
    differences = tuple(one for one in compared.differences if one.path not in ISOLATION_MARKS)
    return Repeated(second, (), _unsteady(second), differences)


def _unsteady(build: Build) -> tuple[Unsteady, ...]:
    try:
        return unsteady_steps(situation_of(recording_of(build.id), build))
    except DockerfileError:
        return ()
