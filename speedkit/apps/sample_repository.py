"""The sample history: a git repository of the sample app, in a private folder of its own."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from speedkit.cell_output import say_aside
from speedkit.ownership import claim, discard
from speedkit.state import state_folder

from .sample import sample_folder
from .stale_copies import remove_leftovers_and_report

__all__ = ["SampleHistory", "sample_history"]

_SAMPLE_FILES = ("main.go", "go.mod", "go.sum", "README.md")


class SampleHistory(os.PathLike[str]):
    """A git repository that the kit made. folder: where it is; whatever takes the path of a project takes this object too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __fspath__(self) -> str:
        return os.fspath(self.folder)

    def __repr__(self) -> str:
        return f"SampleHistory({os.fspath(self.folder)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the repository."""
        discard(self.folder)


def sample_history() -> SampleHistory:
    """A git repository of a realistic history of the sample app: 200 commits, with the same ids each time and everywhere.

    It is in a private folder that goes with this process, or with `close`. Its Dockerfile can be made quicker.
    Raises: GitError without git, NotAFolder without the sample app, StateRefused.
    """
    # Every verb loads this room, and only this function writes a history.
    from speedkit.git_history import write_repository

    from .sample_commits import sample_commits

    remove_leftovers_and_report(say_aside)
    source = sample_folder()
    # Line ends as in the repository: a checkout on Windows may have changed those of the sample app.
    sample = {name: (source / name).read_text(encoding="utf-8") for name in _SAMPLE_FILES}
    # A name of its own, as for a working copy: BuildKit recognises a build context by the name of its folder.
    folder = state_folder("work") / f"speedup-{uuid.uuid4().hex[:8]}"
    claim(folder)
    try:
        folder.mkdir(mode=0o700)
        write_repository(folder, sample_commits(sample))
    except BaseException:
        discard(folder)
        raise
    return SampleHistory(folder)
