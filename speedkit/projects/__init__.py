"""A team's own folder: the ways to build it that its files tell, and the base images that they need."""

from .way import Way, WayKind

__all__ = ["Way", "WayKind"]
