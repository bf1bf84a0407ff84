"""Judges a Dockerfile that somebody else wrote against the one that a project has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from speedkit.builds import Watch, quiet_or_notebook
from speedkit.engine import connect
from speedkit.errors import Misuse, NoDockerfile
from speedkit.messages import message

from .file_change import FileChange, unified_patch
from .project_states import file_or_none
from .proof import Piece
from .proving import Proving, prove
from .smoke import parse_smoke
from .target import target_of

__all__ = ["judge"]

JUDGED = "judge"


def judge(
    folder: Path,
    against: Path,
    *,
    way: str | None = None,
    commits: int = 5,
    smoke: str | None = None,
    watch: Callable[[int], Watch] = quiet_or_notebook,
) -> Piece:
    """The proof of another Dockerfile for a project. against: its path. commits: how many of the last ones to build.

    Raises: NotAFolder, NoDockerfile, Misuse, NotProven, EngineError.
    """
    words = parse_smoke(smoke)
    target = target_of(folder, way)
    after = file_or_none(against)
    if after is None:
        raise NoDockerfile(against)
    if target.dockerfile == after:
        raise Misuse(
            message("{against} is equal to {file}: there is nothing to judge.", against=against, file=target.way.file),
            fix=message("Name a Dockerfile that is different."),
        )
    change = (FileChange(target.way.file, target.dockerfile, after),)
    states = target.states(commits)
    proving = Proving(target.name, target.folder, target.way, states, target.unsaved, change, words, target.probe)
    proof = replace(prove(connect(), proving, watch), notices=target.notices(states))
    return Piece(JUDGED, message("the Dockerfile in {against}", against=against), unified_patch(change), proof=proof)
