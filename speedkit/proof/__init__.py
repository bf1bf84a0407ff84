"""Proof of a changed Dockerfile: it and the original are built for real, side by side, and their images compared."""

from .advice import Advice
from .advice_with_proof import advise
from .judging import judge
from .project_copy import ProjectCopy
from .proof import Piece, Proof

__all__ = ["Advice", "Piece", "ProjectCopy", "Proof", "advise", "judge"]
