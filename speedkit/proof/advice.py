"""Advice for a project: changes that are worth it, and changes that were tried and are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from speedkit.messages import message, plural

from .proof import Piece

__all__ = ["Advice"]


@dataclass(frozen=True)
class Advice:
    """What a project can change.

    project: its name. way: the name of the way to build it. pieces: the changes that are worth it; the first one is the patch
    to apply. A proven patch is the only piece; without a proof, the changes of single rules follow it. tried: the changes that
    are not worth it, each with its reason. notices: further sentences for the reader. proven: whether a proof was asked for.
    """

    project: str
    way: str
    pieces: tuple[Piece, ...]
    tried: tuple[Piece, ...] = ()
    notices: tuple[str, ...] = ()
    proven: bool = False

    @property
    def patch(self) -> str:
        """The patch, for `git apply` in the project's folder; "" where there is nothing to change."""
        return self.pieces[0].patch if self.pieces else ""

    @property
    def summary(self) -> str:
        """The advice as a sentence."""
        if not self.pieces and not self.tried:
            return message("Nothing to change in {project}: no rule finds anything that would help.", project=self.project)
        if not self.pieces:
            return plural(
                "Nothing to change in {project}: {count} change was tried, and is not worth it.",
                "Nothing to change in {project}: {count} changes were tried, and are not worth it.",
                len(self.tried),
                project=self.project,
            )
        first = self.pieces[0]
        if first.proof is not None:
            return message(
                "One patch for {project}: its rebuilds took {change:+.0f} %, and its image is equal.",
                project=self.project,
                change=first.proof.gain.change_percent,
            )
        return plural(
            "One patch for {project}, of {count} change; not proven yet.",
            "One patch for {project}, of {count} changes; not proven yet.",
            max(len(first.parts), 1),
            project=self.project,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "advice": [piece.to_json() for piece in self.pieces],
            "tried": [piece.to_json() for piece in self.tried],
            "notices": [*self.notices, *self._secret_notices],
        }

    @property
    def _secret_notices(self) -> tuple[str, ...]:
        if all(piece.patch == piece.shown_patch for piece in (*self.pieces, *self.tried)):
            return ()
        return (message("A patch has substitutes for secrets here, and does not apply. `--write FILE` writes it as it is."),)

    def _repr_html_(self) -> str:
        from .advice_html import advice_html

        return advice_html(self)
