"""Keeps the result of a build: once as soon as it has ended, and again with the facts of its image.

What goes wrong after the end of a build becomes a notice. It changes nothing of the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from speedkit.errors import SpeedkitError, in_words
from speedkit.messages import marked, message
from speedkit.model import Build
from speedkit.recordings import Meta, Recording, Redaction, Solve, assemble_build, complete_recording, write_recording
from speedkit.state import state_folder

from .solve import SentFiles
from .transcript import Transcript

__all__ = ["NOT_COMPLETED", "Keeper"]

NOT_COMPLETED = marked("The program ended before the image could be described and asked.")


class Keeper:
    """Keeps one build.

    dockerfile: gives the Dockerfile's text without the secrets that the kit knows by now. played: the recording that is played
    again; such a build is not recorded a second time.
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
        """The recording on disk; None before `keep`, and where it could not be written."""
        return self._recording

    def keep(self, meta: Meta, sent: SentFiles | None, image: dict[str, Any] | None) -> None:
        """Write the recording as of now.

        Its notice says that the image is not described yet: it stays if this program ends before `complete`.
        """
        if self._is_played:
            return
        meta = self._with_notices(meta, [message(NOT_COMPLETED)] if image is not None else [])
        try:
            folder = state_folder("recordings")
            self._recording = write_recording(
                folder,
                meta,
                raw=self._transcript.lines,
                dockerfile=self._dockerfile(),
                context=sent.context if sent is not None else None,
                image=image,
                named_contexts=sent.named_contexts if sent is not None else {},
            )
        except SpeedkitError as problem:
            self.notices.append(message("This build was not recorded. {problem}", problem=problem))

    def complete(self, meta: Meta, image: dict[str, Any] | None) -> None:
        """Write the facts that are new since `keep`."""
        if self._recording is None or self._is_played:
            return
        try:
            self._recording = complete_recording(self._recording, self._with_notices(meta), image=image)
        except SpeedkitError as problem:
            self.notices.append(str(problem))

    def build(self, meta: Meta, image: dict[str, Any] | None) -> Build:
        """The build as its recording holds it, or would hold it."""
        meta = self._with_notices(meta)
        try:
            return assemble_build(meta, self._transcript.solve, self._dockerfile(), image=image, recording=self._recording)
        except Exception as problem:
            # The build is over and its image is there: a result without steps is better than none.
            notices = [
                *meta.notices,
                message("The steps of this build could not be read: {problem}", problem=in_words(problem)),
            ]
            return assemble_build(replace(meta, notices=notices), Solve(), "", image=image, recording=self._recording)

    def _with_notices(self, meta: Meta, more: Sequence[str] = ()) -> Meta:
        return replace(meta, notices=[self._redaction.text(notice) for notice in (*self.notices, *more)])
