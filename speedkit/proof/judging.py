"""Judges a Dockerfile that somebody else wrote against the one that a project has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from speedkit.builds import Watch, quiet_or_notebook
from speedkit.engine import connect
from speedkit.errors import Misuse, NoDockerfile
from speedkit.messages import message
from speedkit.projects import Way

from .edited_states import EditedStates
from .file_change import FileChange, unified_patch
from .project_states import file_or_none
from .proof import Piece
from .proving import Proving, prove
from .smoke import parse_smoke

__all__ = ["judge"]

JUDGED = "judge"


def judge(
    folder: Path,
    against: Path,
    *,
    way: Way,
    commits: int = 5,
    smoke: str | None = None,
    watch: Callable[[int], Watch] = quiet_or_notebook,
) -> Piece:
    """The proof of another Dockerfile for a project. against: its path. commits: how many of the last ones to build.

    Raises: NoDockerfile, Misuse, NotProven, EngineError.
    """
    words = parse_smoke(smoke)
    before, after = (_text(path) for path in (folder / way.file, against))
    if before == after:
        raise Misuse(
            message("{against} is equal to {file}.", against=against, file=way.file),
            fix=message("Name a Dockerfile that is different."),
        )
    change = (FileChange(way.file, before, after),)
    proving = Proving(
        name=folder.resolve().name,
        source=folder.resolve(),
        way=way,
        states=EditedStates(folder, way, count=commits),
        working=(),
        change=change,
        smoke=words,
    )
    proof = prove(connect(), proving, watch)
    return Piece(JUDGED, message("the Dockerfile in {against}", against=against), unified_patch(change), proof=proof)


def _text(path: Path) -> bytes:
    content = file_or_none(path)
    if content is None:
        raise NoDockerfile(path)
    return content
