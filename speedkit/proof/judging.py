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
from .proving import Proving, prove
from .smoke import parse_smoke
from .target import target_of

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
    project_target = target_of(project, way, target=target, build_args=build_args, options=options)
    after = file_or_none(Path(against))
    if after is None:
        raise NoDockerfile(against, fix=message("Name the Dockerfile to judge with --against FILE."))
    if project_target.dockerfile == after:
        raise Misuse(
            message("{against} is equal to {file}: there is nothing to judge.", against=against, file=project_target.way.file),
            fix=message("Name a Dockerfile that is different."),
        )
    change = (FileChange(project_target.way.file, project_target.dockerfile, after),)
    states = project_target.states(commits)
    proving = Proving(
        project_target.name,
        project_target.folder,
        project_target.way,
        states,
        project_target.unsaved,
        change,
        words,
        project_target.probe,
    )
    proof = replace(prove(connect(), proving, watch), notices=project_target.notices_of_proof(states))
    return Piece(JUDGED, message("the Dockerfile in {against}", against=against), unified_patch(change), proof=proof)
