"""The app that a notebook builds: the sample app, or a copy of the reader's own project."""

from __future__ import annotations

import atexit
from pathlib import Path

from speedkit.apps import App, append_line, own_app, sample_app

__all__ = ["close_with_kernel", "project"]

SAMPLE_STRATEGY, SAMPLE_EDIT = "mounts", "rename-field"
EDIT = "a line appended"


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


def project(path: Path | str | None, dockerfile: str, file: str) -> tuple[App, str, str]:
    """A copy of the reader's project, the strategy to build it by, and an edit to make; without a path, of the sample app.

    dockerfile, file: names in the project's folder. The edit appends an empty line to the file.
    Raises: NotAFolder, NoDockerfile.
    """
    if path is None:
        return sample_app(), SAMPLE_STRATEGY, SAMPLE_EDIT
    return own_app(path, dockerfile, edits={EDIT: append_line(file, "", called=EDIT)}), dockerfile, EDIT
