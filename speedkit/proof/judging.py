"""Judges a Dockerfile that somebody else wrote against the one that a project has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from speedkit.builds import Watch, quiet_or_notebook
from speedkit.engine import NO_OPTIONS, CommandOptions, connect
from speedkit.errors import Misuse, NoDockerfile
from speedkit.messages import message
from speedkit.projects import Project

from .file_change import FileChange, unified_patch
from .project_states import file_or_none
from .proof import Piece
from .proof_project import proof_project
from .proving import Proving, prove
from .smoke import parse_smoke

__all__ = ["judge"]

JUDGED = "judge"


def judge(
    project: Project | Path | str,
    against: Path | str,
    *,
    way: str | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    options: CommandOptions = NO_OPTIONS,
    commits: int = 5,
    smoke: str | None = None,
    watch: Callable[[int], Watch] = quiet_or_notebook,
) -> Piece:
    """The proof of another Dockerfile for a project.

    project: as `sk.project` gives it, or its folder. against: the path of the Dockerfile. commits: how many of the last
    ones to build. target, build_args, options: before those of the way.

    Raises: NotAFolder, NoDockerfile, Misuse, NotProven, EngineError.
    """
    words = parse_smoke(smoke)
    subject = proof_project(project, way, target=target, build_args=build_args, options=options)
    after = file_or_none(Path(against))
    if after is None:
        raise NoDockerfile(against, fix=message("Name the Dockerfile to judge with --against FILE."))
    if subject.dockerfile == after:
        raise Misuse(
            message("{against} is equal to {file}: there is nothing to judge.", against=against, file=subject.way.file),
            fix=message("Name a Dockerfile that is different."),
        )
    change = (FileChange(subject.way.file, subject.dockerfile, after),)
    states = subject.states(commits)
    proving = Proving(
        subject.name,
        subject.folder,
        subject.way,
        states,
        subject.unsaved,
        change,
        words,
        subject.probe,
    )
    proof = replace(prove(connect(), proving, watch), notices=subject.notices_of_proof(states))
    return Piece(JUDGED, message("the Dockerfile in {against}", against=against), unified_patch(change), proof=proof)
