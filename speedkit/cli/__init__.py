"""The `speedkit` program: one verb per module, JSON on stdout when asked for, progress and errors on stderr."""

from .start import main

__all__ = ["main"]
