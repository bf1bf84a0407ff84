"""The cost of a replayed history, as frozen types; the sentences about it are in `findings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from speedkit.git_history import Commit
from speedkit.projects import Way

from .history_verdicts import BuildInputs, CommitVerdicts, DockerfileVersion, HistoryStep, Trouble
from .path_globs import GlobCount
from .step_seconds import SecondsModel

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Blame", "Replay", "ReplayedCommit", "Split", "one_by_one"]


@dataclass(frozen=True, eq=False, slots=True)
class ReplayedCommit:
    """One commit of a replay. seconds: of the whole build; None without a model of seconds, or when the commit cannot be built.

    step_seconds: of each step that runs, by its number. critical: the numbers of the steps that the build waits for.
    """

    verdicts: CommitVerdicts
    seconds: float | None = None
    step_seconds: Mapping[int, float] = field(default_factory=dict)
    critical: tuple[int, ...] = ()

    @property
    def commit(self) -> Commit:
        return self.verdicts.commit

    @property
    def dockerfile(self) -> DockerfileVersion | None:
        return self.verdicts.dockerfile

    @property
    def trouble(self) -> Trouble | None:
        return self.verdicts.trouble


@dataclass(frozen=True, slots=True)
class Blame:
    """The cost of one instruction over a history, with all steps that ran because it missed.

    line: in the newest Dockerfile that has the instruction. misses: the number of commits in which the miss began at it.
    seconds: of all steps that ran because of it; None without a model of seconds. critical_seconds: the part of them on the
    critical path. files: the files that made it miss, without `.git`; none when the text or the base of the instruction
    changed. git_folder: the number of commits in which `.git` was among the changed files that it copies. commits: the places
    of the commits in the replay.
    """

    line: int
    instruction: str
    misses: int
    seconds: float | None
    critical_seconds: float | None
    files: tuple[GlobCount, ...]
    git_folder: int = 0
    commits: tuple[int, ...] = ()
    is_current: bool = True


@dataclass(frozen=True, slots=True)
class Split:
    """A copy that is cut in two, so that a step between both halves stays cached.

    line: of the copy in the newest Dockerfile. patch: a unified diff for `git apply`. saves_runs: the number of RUN steps that
    would not have run in the history. saves_seconds: None without a model of seconds.
    """

    line: int
    patch: str
    saves_seconds: float | None
    saves_runs: int
    files: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Replay:
    """The cost of a history.

    name: of the project. way, inputs: the build at each commit. dockerfile_path: in the repository. commits: oldest first.
    asked_for: the number of commits that the reader asked for; None for a date. shallow: the clone has fewer.
    model: of seconds; None when no build was measured or recorded. submodules: the number of submodules in the newest commit.
    has_lfs_files: git has only pointers to some files. problem: why nothing could be measured.
    """

    name: str
    way: Way
    inputs: BuildInputs
    dockerfile_path: str
    commits: tuple[ReplayedCommit, ...]
    asked_for: int | None
    shallow: bool
    model: SecondsModel | None
    blame: tuple[Blame, ...]
    splits: tuple[Split, ...]
    submodules: int = 0
    has_lfs_files: bool = False
    problem: str = ""

    def __repr__(self) -> str:
        return f"Replay({self.name!r}, commits={len(self.commits)}, total_seconds={self.total_seconds})"

    def _repr_html_(self) -> str:
        from .replay_html import replay_html

        return replay_html(self)

    @property
    def total_seconds(self) -> float | None:
        """The seconds of all commits that can be built; None without a model of seconds."""
        if self.model is None:
            return None
        return sum(commit.seconds or 0.0 for commit in self.commits)

    @property
    def table(self) -> pd.DataFrame:
        """A row per step of each commit: commit, date, author, line, instruction, forecast, seconds, files."""
        from speedkit.data_frame import Frame

        rows = [
            [one.commit.id, one.commit.seconds, one.commit.author, step.line, step.instruction, verdict, seconds, files]
            for one in self.commits
            for step, verdict, seconds, files in one_by_one(one)
        ]
        columns = ["commit", "committed_at", "author", "line", "instruction", "forecast", "seconds", "files"]
        return Frame(rows, columns=columns)


def one_by_one(commit: ReplayedCommit) -> list[tuple[HistoryStep, str, float | None, tuple[str, ...]]]:
    """Each step of a commit with its verdict, its seconds (None without a model), and the files that made it miss."""
    if commit.dockerfile is None:
        return []
    verdicts = commit.verdicts
    runs = {step.number for step in verdicts.ran}
    return [
        (
            step,
            verdict,
            None if commit.seconds is None else commit.step_seconds.get(step.number, 0.0) if step.number in runs else 0.0,
            verdicts.files.get(step.number, ()),
        )
        for step, verdict in zip(commit.dockerfile.steps, verdicts.verdicts, strict=True)
    ]
