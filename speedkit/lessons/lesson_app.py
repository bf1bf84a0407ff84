"""What a notebook works on: the reader's repository or the sample history, small folders, and the copies that it builds."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from speedkit.apps import App, own_app, sample_history
from speedkit.ownership import note_typed, scratch_folder

if TYPE_CHECKING:
    from speedkit.projects import Project
    from speedkit.proof import Advice

__all__ = ["apply_advice", "close_with_kernel", "repository", "small_app", "write"]


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


def small_app(dockerfile: str, files: Mapping[str, str] = MappingProxyType({})) -> App:
    """A folder with a Dockerfile, to try one thing: an app with a cache of its own, which goes with this kernel.

    files: more files of the folder, by name, with their text.
    """
    kept = ExitStack()
    folder = kept.enter_context(scratch_folder()) / "small"
    folder.mkdir()
    for name, text in {"Dockerfile": dockerfile, **files}.items():
        (folder / name).write_text(text, encoding="utf-8")
    app = kept.enter_context(own_app(folder))
    atexit.register(kept.close)
    return app


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
