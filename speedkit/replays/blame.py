"""The instructions that a history's seconds come from, and the files that made them miss."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from speedkit.git_history import GIT_FOLDER

from .path_globs import glob_counts
from .result import Blame, ReplayedCommit

__all__ = ["blame_of"]


@dataclass
class _Account:
    """The costs of one instruction so far, while the commits are counted. last: the place of the last commit that has it."""

    line: int = 0
    misses: int = 0
    seconds: float = 0.0
    critical_seconds: float = 0.0
    changes: list[Collection[str]] = field(default_factory=list)
    git_folder: int = 0
    commits: list[int] = field(default_factory=list)
    last: int = -1


def blame_of(commits: Sequence[ReplayedCommit], *, timed: bool) -> tuple[Blame, ...]:
    """The instructions at which misses began: those with most seconds first, or with most misses where there are no seconds.

    An instruction counts as the same one in all commits that have its text, on any line. Where a Dockerfile has the text
    several times, the first place corresponds to the first one of another commit. timed: whether the commits have seconds.
    """
    accounts: dict[tuple[str, int], _Account] = {}
    for number, commit in enumerate(commits):
        if commit.dockerfile is None:
            continue
        identities = _identities(commit)
        for identity, step in zip(identities, commit.dockerfile.steps, strict=True):
            if identity in accounts:
                accounts[identity].line, accounts[identity].last = step.line, number
        # Steps that ran only because an earlier one missed count for that one: it is the line to change.
        origins = commit.verdicts.origins()
        for origin in dict.fromkeys(origins.values()):
            account = accounts.setdefault(identities[origin], _Account())
            account.line, account.last = commit.dockerfile.steps[origin].line, number
            account.misses += 1
            account.commits.append(number)
            if files := commit.verdicts.files.get(origin):
                # `.git` changes with every commit, so it explains none of them.
                account.git_folder += GIT_FOLDER in files
                account.changes.append([path for path in files if path != GIT_FOLDER])
        for step_number, origin in origins.items():
            seconds = commit.step_seconds.get(step_number, 0.0)
            accounts[identities[origin]].seconds += seconds
            accounts[identities[origin]].critical_seconds += seconds if step_number in commit.critical else 0.0
    # An instruction that the newest commits no longer have is shown without a line.
    newest = max((account.last for account in accounts.values()), default=-1)
    blames = [
        Blame(
            line=account.line,
            instruction=instruction,
            misses=account.misses,
            seconds=account.seconds if timed else None,
            critical_seconds=account.critical_seconds if timed else None,
            files=glob_counts(account.changes),
            git_folder=account.git_folder,
            commits=tuple(account.commits),
            is_current=account.last == newest,
        )
        for (instruction, _), account in accounts.items()
    ]
    return tuple(sorted(blames, key=lambda one: (-(one.seconds or 0.0), -one.misses, one.line)))


def _identities(commit: ReplayedCommit) -> list[tuple[str, int]]:
    """For each step its text, and how many steps of the same text come before it."""
    counts: dict[str, int] = {}
    identities = []
    for step in commit.dockerfile.steps if commit.dockerfile is not None else ():
        identities.append((step.instruction, counts.get(step.instruction, 0)))
        counts[step.instruction] = counts.get(step.instruction, 0) + 1
    return identities
