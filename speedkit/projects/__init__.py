"""A team's own folder: the ways to build it that its files describe, and the base images that they need."""

from .project import Base, Project, open_project, way_to_build
from .way import Way, WayKind
from .ways import UnreadFile

__all__ = ["Base", "Project", "UnreadFile", "Way", "WayKind", "open_project", "way_to_build"]
