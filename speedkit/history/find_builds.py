"""Recorded builds, by session, app or id."""

from __future__ import annotations

import os

from speedkit.builds import recordings_folder
from speedkit.errors import NoHistory, RecordingError
from speedkit.messages import message
from speedkit.model import Build
from speedkit.recordings import Recording, list_recordings, read_build, read_recording

__all__ = ["recorded_builds", "recording_of", "recordings"]

RECENT = 300
"""How many builds `recorded_builds` reads at most."""


def recordings(*, session: str | None = None, source: str | None = None) -> list[Recording]:
    """The recordings on this machine, oldest first. session, source: only those of one session, or of one app's folder."""
    return list_recordings(recordings_folder(), session=session, source=source)


def recorded_builds(app: str = "sample_go_app", *, session: str | None = None) -> list[Build]:
    """The builds of an app that were recorded in a session, oldest first.

    session: None means the session that this kernel belongs to (a tour sets SPEEDKIT_SESSION). Outside of a session, all
    builds count. There are at most 300, the most recent ones.
    Raises: RecordingError for a damaged recording.
    """
    session = session or os.environ.get("SPEEDKIT_SESSION")
    # A build that was made elsewhere has none of the kit's strategies, whatever its folder is called.
    of_app = [one for one in recordings(session=session) if one.meta.app == app and one.meta.imported is None]
    builds = []
    for recording in of_app[-RECENT:]:
        try:
            builds.append(read_build(recording))
        except RecordingError:
            # A build that ends elsewhere may remove old recordings at this moment (`keep_recordings`).
            if recording.folder.exists():
                raise
    return builds


def recording_of(build_id: str | None) -> Recording:
    """The recording of a build, by its id or by the first letters of it, if they fit only one; None is the newest.

    Raises: NoHistory.
    """
    if build_id is None:
        if newest := recordings()[-1:]:
            return newest[0]
        raise NoHistory(message("Nothing has been built yet."), fix=message("Build something first: `speedkit build DIR`."))
    # Most callers give a whole id: then only one recording is read.
    if (recordings_folder() / build_id / "meta.json").is_file():
        return read_recording(recordings_folder() / build_id)
    fitting = [recording for recording in recordings() if recording.meta.id.startswith(build_id)]
    if len(fitting) != 1:
        sentence = message("No single recorded build is called {name!r}.", name=build_id)
        raise NoHistory(sentence, fix=message("See `speedkit history`."))
    return fitting[0]
