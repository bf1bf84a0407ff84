"""The seconds of each commit of a history, by a model of seconds."""

from __future__ import annotations

from collections.abc import Sequence

from .history_verdicts import CommitVerdicts
from .result import ReplayedCommit
from .step_seconds import SecondsModel, StepRun

__all__ = ["runs_of", "with_seconds"]


def with_seconds(
    start: CommitVerdicts, verdicts: Sequence[CommitVerdicts], model: SecondsModel | None
) -> tuple[ReplayedCommit, ...]:
    """The commits with their seconds. start: the build before the first of them."""
    if model is None:
        return tuple(map(ReplayedCommit, verdicts))
    # An instruction that runs for the first time counts as one with empty cache mounts: it has much to download.
    ran_before: set[str] = {step.instruction for step in start.ran}
    timed = []
    for commit in verdicts:
        if commit.dockerfile is None or commit.trouble is not None:
            timed.append(ReplayedCommit(commit))
            continue
        seconds = model.build_seconds(commit.dockerfile.steps, runs_of(commit, ran_before))
        timed.append(ReplayedCommit(commit, seconds.total, seconds.steps, seconds.critical))
        ran_before |= {step.instruction for step in commit.ran}
    return tuple(timed)


def runs_of(commit: CommitVerdicts, ran_before: set[str]) -> tuple[StepRun, ...]:
    """The steps of a commit that run. ran_before: the instructions that have run in the same cache."""
    if commit.dockerfile is None:
        return ()
    origins = commit.origins()
    return tuple(
        StepRun(
            number=step.number,
            instruction=step.instruction,
            origin=commit.dockerfile.steps[origins[step.number]].instruction,
            first=step.has_cache_mount and step.instruction not in ran_before,
            sure=commit.verdicts[step.number] == "miss",
        )
        for step in commit.ran
    )
