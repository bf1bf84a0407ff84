"""What a notebook works on: the reader's repository or the sample history, and the copy of it that it builds and edits."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.apps import App, sample_history
from speedkit.ownership import note_typed

if TYPE_CHECKING:
    from speedkit.projects import Project
    from speedkit.proof import Advice

__all__ = ["apply_advice", "close_with_kernel", "repository", "write"]


def close_with_kernel(app: App) -> None:
    """Keep an app for as long as this kernel runs, then remove its working copy.

    A copy with text that the reader typed stays: a kernel is restarted more easily than a Dockerfile is written again. The
    next start of speedkit saves that text, prints its folder, and removes the copy.
    """

    def close() -> None:
        # Asked at the end, not now: the reader types after this call.
        if not app.holds_typed_text:
            app.close()

    atexit.register(close)


def repository(path: Path | str | None) -> Path:
    """The folder of the reader's repository; without a path, of the sample history, which goes with this kernel."""
    if path is not None:
        return Path(path).expanduser()
    history = sample_history()
    atexit.register(history.close)
    return history.folder


def write(app: App, name: str, text: str) -> None:
    """Write a file of a copy, from text that stands in the notebook already. Raises: FileRefused."""
    app.write(name, text)
    # It is not the reader's work, which would be kept when the kernel ends.
    note_typed(app.folder, name, is_typed=False)


def apply_advice(app: App, project: Project, advice: Advice) -> tuple[str, ...]:
    """Write the files of the advised patch into a copy. Out: their names in the copy.

    app: from `project.app_copy()`. A file of the project outside of the build context is not in the copy, and left out.
    Raises: FileRefused.
    """
    names = []
    for change in advice.pieces[0].changes if advice.pieces else ():
        place = project.folder / change.path
        if change.after is not None and place.is_relative_to(app.source):
            names.append(place.relative_to(app.source).as_posix())
            write(app, names[-1], change.after.decode("utf-8", "surrogateescape"))
    return tuple(names)
