"""The cost of a history: the steps of each commit that run on a builder that had built the commit before, and their seconds."""

from __future__ import annotations

from .findings import blame_sentence, findings, split_sentence, weeks_of
from .history_replay import replay
from .history_verdicts import BuildInputs, CommitVerdicts, DockerfileVersion, HistoryStep, history_verdicts
from .measuring import BuiltCommit, build_commits
from .path_globs import GlobCount, glob_counts
from .result import Blame, Replay, ReplayedCommit, Split, one_by_one
from .seconds_groups import SecondsGroup, seconds_groups

__all__ = [
    "Blame",
    "BuildInputs",
    "BuiltCommit",
    "CommitVerdicts",
    "DockerfileVersion",
    "GlobCount",
    "HistoryStep",
    "Replay",
    "ReplayedCommit",
    "SecondsGroup",
    "Split",
    "blame_sentence",
    "build_commits",
    "findings",
    "glob_counts",
    "history_verdicts",
    "one_by_one",
    "replay",
    "seconds_groups",
    "split_sentence",
    "weeks_of",
]
