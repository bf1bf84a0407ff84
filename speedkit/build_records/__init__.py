"""Records of builds that were made elsewhere: `.dockerbuild` files, logs of CI, and the history of a builder."""

from __future__ import annotations

from .foreign_build import ForeignBuild, NotUnderstood, RecordKind

__all__ = ["ForeignBuild", "NotUnderstood", "RecordKind"]
