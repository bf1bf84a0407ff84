"""Shows a recorded build again as it went on, without an engine."""

from __future__ import annotations

from contextlib import suppress

from speedkit.builds import start_replay, watch_in_notebook
from speedkit.model import Build
from speedkit.recordings import read_recording

from .find_builds import recording_of

__all__ = ["play"]


def play(build: Build | str | None = None, *, speed: float = 1.0) -> Build:
    """A recorded build, shown live in a notebook as if it were made now. Nothing is built, and nothing is recorded again.

    build: a build, the id of one, or None for the newest. speed: how many times as quick as it was; 1.0 is as quick.
    Ctrl-C ends it.
    Raises: NoHistory, RecordingError; Misuse for a speed that is none.
    """
    if isinstance(build, Build) and build.folder is not None:
        recording = read_recording(build.folder)
    else:
        recording = recording_of(build.id if isinstance(build, Build) else build)
    running = start_replay(recording, speed=speed)
    try:
        # A page that cannot show it gets the result all the same.
        with suppress(Exception):
            watch_in_notebook(running)
        return running.wait()
    except KeyboardInterrupt:
        running.stop()
        raise
