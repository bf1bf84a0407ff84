"""Proof of a changed Dockerfile: it and the original are built for real, side by side, and their images compared."""

from .advice import Advice
from .advising import advise
from .judging import judge
from .proof import Piece, Proof

__all__ = ["Advice", "Piece", "Proof", "advise", "judge"]
