"""Keeps the result of a build: first as soon as it has ended, then with what was learned of its image.

Whatever goes wrong after the end of a build is said in its notices, and changes nothing of how it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from speedkit.context import Manifest
from speedkit.errors import SpeedkitError, in_words
from speedkit.messages import marked, message
from speedkit.model import Build
from speedkit.recordings import Meta, Recording, Redaction, Solve, assemble_build, complete_recording, write_recording
from speedkit.state import state_folder

from .transcript import Transcript

__all__ = ["NOT_COMPLETED", "Keeper"]

NOT_COMPLETED = marked("The program ended before the image could be described and asked.")


class Keeper:
    """Keeps one build.

    dockerfile: gives its text without the secrets that are known by then. played: the recording that is played again; such a
    build is not recorded a second time.
    """

    def __init__(
        self, redaction: Redaction, transcript: Transcript, dockerfile: Callable[[], str], played: Recording | None
    ) -> None:
        self._redaction, self._transcript, self._dockerfile = redaction, transcript, dockerfile
        self._recording = played
        self._is_played = played is not None
        self.notices: list[str] = []

    @property
    def recording(self) -> Recording | None:
        """The recording on disk; None while there is none, or where it could not be kept."""
        return self._recording

    def keep(self, meta: Meta, context: Manifest | None, image: dict[str, Any] | None) -> None:
        """Write the recording as of now; it says what is missing should this program end before it is complete."""
        if self._is_played:
            return
        meta = self._with_notices(meta, [message(NOT_COMPLETED)] if image is not None else [])
        try:
            folder = state_folder("recordings")
            self._recording = write_recording(
                folder, meta, raw=self._transcript.lines, dockerfile=self._dockerfile(), context=context, image=image
            )
        except SpeedkitError as problem:
            self.notices.append(message("This build was not recorded. {problem}", problem=problem))

    def complete(self, meta: Meta, image: dict[str, Any] | None) -> None:
        """Write what was learned since."""
        if self._recording is None or self._is_played:
            return
        try:
            self._recording = complete_recording(self._recording, self._with_notices(meta), image=image)
        except SpeedkitError as problem:
            self.notices.append(str(problem))

    def build(self, meta: Meta, image: dict[str, Any] | None) -> Build:
        """The build as it is kept, or would be."""
        meta = self._with_notices(meta)
        try:
            return assemble_build(meta, self._transcript.solve, self._dockerfile(), image=image, recording=self._recording)
        except Exception as problem:
            notices = [
                *meta.notices,
                message("The steps of this build could not be read: {problem}", problem=in_words(problem)),
            ]
            return assemble_build(replace(meta, notices=notices), Solve(), "", image=image, recording=self._recording)

    def _with_notices(self, meta: Meta, more: Sequence[str] = ()) -> Meta:
        return replace(meta, notices=[self._redaction.text(notice) for notice in (*self.notices, *more)])
