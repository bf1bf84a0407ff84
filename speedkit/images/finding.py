"""Whether what somebody names is an image archive on disk, and which."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["OCI_MARK", "archive_named"]

OCI_MARK = "oci-layout"
"""The file that tells a folder in the layout of OCI."""


def archive_named(text: str) -> tuple[Path, str | None] | None:
    """The path of an archive, and which of its images is meant by `PATH#NAME`; None when there is no such archive."""
    path, _, name = text.rpartition("#")
    for place, wanted in ((text, None), (path, name or None)):
        with suppress(OSError, ValueError):  # an image may be called what no file can be
            if place and (Path(place).is_file() or Path(place, OCI_MARK).is_file()):
                return Path(place), wanted
    return None
