"""Follows symlinks as BuildKit does inside of a build context: with the folder as the root of all paths.

An absolute link starts at the folder, and `..` does not lead out of it. BuildKit opens the Dockerfile and the ignore file
with fs.RootPath of containerd/continuity; experiments agree.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["file_in_root"]

_MOST_LINKS = 255


def file_in_root(root: Path, name: str) -> Path | None:
    """The file behind a name in a folder, all links followed. None when there is none, or no regular file."""
    parts = name.split("/")[::-1]
    reached: list[str] = []
    links = 0
    while parts:
        part = parts.pop()
        if part in ("", "."):
            continue
        if part == "..":
            reached = reached[:-1]
            continue
        place = root.joinpath(*reached, part)
        try:
            target = os.readlink(place)  # noqa: PTH115 - the link's text unchanged
        except OSError:
            reached.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        if target.startswith("/"):
            reached = []
        parts += target.split("/")[::-1]
    place = root.joinpath(*reached)
    return place if os.path.isfile(place) else None  # noqa: PTH113 - False instead of an error in a closed folder
