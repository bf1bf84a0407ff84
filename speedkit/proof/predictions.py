"""The seconds that a change would have saved over the history, by the replay of it.

Real builds of the project that were recorded tell how long its steps take.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from speedkit.errors import SpeedkitError
from speedkit.replays import replay

from .file_change import FileChange
from .proof import Part, Piece
from .proof_project import ProofProject

__all__ = ["Predictions"]


class Predictions:
    """The predictions of changes to one project. The history is replayed without a change only once."""

    def __init__(self, target: ProofProject) -> None:
        self._target = target
        self._as_is: dict[bool, float | None] = {}

    def of(self, piece: Piece, parts: Iterable[Piece] = ()) -> Piece:
        """A piece with its prediction, and one for each of its parts alone. parts: the pieces of single rules."""
        by_rule = {one.rule: self.saved_seconds(one.changes) for one in parts} if piece.parts else {}
        return replace(
            piece,
            predicted_seconds_saved=self.saved_seconds(piece.changes),
            parts=tuple(Part(one.rule, one.because, by_rule.get(one.rule)) for one in piece.parts),
        )

    def saved_seconds(self, changes: tuple[FileChange, ...]) -> float | None:
        """The seconds that the change would have saved over all replayed commits; None where no real build gives seconds."""
        texts = {change.path: change.after for change in changes}
        has_ignore_file = self._target.ignore_file in texts
        # Both replays have one Dockerfile for all commits: the folder's own text, without and with the change. So the
        # difference is that of the change alone, and not of earlier edits of the Dockerfile.
        if has_ignore_file not in self._as_is:
            self._as_is[has_ignore_file] = self._seconds({}, with_ignore_file=has_ignore_file)
        before = self._as_is[has_ignore_file]
        after = None if before is None else self._seconds(texts, with_ignore_file=has_ignore_file)
        return None if before is None or after is None else before - after

    def _seconds(self, texts: dict[str, bytes | None], *, with_ignore_file: bool) -> float | None:
        target = self._target
        if target.repository is None:
            return None
        # A patch may touch the ignore file alone.
        dockerfile = texts.get(target.way.file) or target.dockerfile
        ignored = None
        if with_ignore_file:
            ignored = texts.get(target.ignore_file, target.ignore_text)
        try:
            replayed = replay(
                target.folder,
                way=target.way,
                dockerfile=_text(dockerfile),
                ignore_file=_text(ignored or b"") if with_ignore_file else None,
            )
        except SpeedkitError:
            # No history that can be read: advice holds without a prediction.
            return None
        return replayed.total_seconds


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
