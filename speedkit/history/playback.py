"""Shows a recorded build again as it ran, without an engine."""

from __future__ import annotations

from contextlib import suppress

from speedkit.builds import start_replay, watch_in_notebook
from speedkit.model import Build
from speedkit.recordings import read_recording

from .find_builds import recording_of

__all__ = ["play"]


def play(build: Build | str | None = None, *, speed: float = 1.0) -> Build:
    """A recorded build, shown live in a notebook as if it were made now. Nothing is built, and nothing is recorded again.

    build: a build, its id, or None for the newest. speed: how many times as fast as the build was. Ctrl-C ends it.
    Raises: NoHistory, RecordingError; Misuse for a speed that is not above 0.
    """
    if isinstance(build, Build) and build.folder is not None:
        recording = read_recording(build.folder)
    else:
        recording = recording_of(build.id if isinstance(build, Build) else build)
    running = start_replay(recording, speed=speed)
    try:
        # A front end that cannot show it still gets the result.
        with suppress(Exception):
            watch_in_notebook(running)
        return running.wait()
    except KeyboardInterrupt:
        running.stop()
        raise
