"""The builds recorded before, found again by session, app or id."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from speedkit.builds import recordings_folder
from speedkit.errors import NoHistory, RecordingError
from speedkit.messages import message
from speedkit.model import Build
from speedkit.recordings import Recording, list_recordings, read_build, read_recording

__all__ = ["recorded_builds", "recording_of", "recordings"]

RECENT = 300


def recordings(*, session: str | None = None, source: str | None = None) -> list[Recording]:
    """All recordings on this machine, oldest first; of one session or one app's folder when named."""
    return list_recordings(recordings_folder(), session=session, source=source)


def recorded_builds(app: str = "sample_go_app", *, session: str | None = None) -> list[Build]:
    """The builds of an app that were recorded in a session, oldest first.

    session: None means the one this kernel belongs to (a tour sets SPEEDKIT_SESSION); outside of a session, the
    300 most recent builds.
    """
    wanted = session or os.environ.get("SPEEDKIT_SESSION")
    found = [recording for recording in recordings(session=wanted) if recording.meta.app == app]
    return list(_readable(found[-RECENT:]))


def _readable(found: Iterable[Recording]) -> Iterator[Build]:
    """The builds of recordings, but for those that are removed at this moment to make room.

    Raises: RecordingError for one that is damaged.
    """
    for recording in found:
        try:
            yield read_build(recording)
        except RecordingError:
            if recording.folder.exists():
                raise


def recording_of(build_id: str | None) -> Recording:
    """A recording by the id of its build, or a beginning of it that fits one only; None is the newest.

    Raises: NoHistory.
    """
    if build_id is None:
        found = recordings()
        if not found:
            raise NoHistory(message("Nothing has been built yet."), fix=message("Build something first: `speedkit build DIR`."))
        return found[-1]
    if (recordings_folder() / build_id / "meta.json").is_file():
        return read_recording(recordings_folder() / build_id)
    fitting = [recording for recording in recordings() if recording.meta.id.startswith(build_id)]
    if len(fitting) != 1:
        what = message("No single recorded build is called {name!r}.", name=build_id)
        raise NoHistory(what, fix=message("See `speedkit history`."))
    return fitting[0]
