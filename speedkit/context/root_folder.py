"""Follows symlinks as BuildKit does in what it is sent: with the folder as the root of all paths.

An absolute link starts at the folder, and `..` does not lead out of it. Source: containerd/continuity, fs.RootPath, by which
BuildKit opens the Dockerfile and the ignore file; and experiment.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["file_in_root"]

_MOST_LINKS = 255


def file_in_root(root: Path, name: str) -> Path | None:
    """The file that a name in a folder stands for; None where BuildKit finds none, or only something else."""
    left = name.split("/")[::-1]
    reached: list[str] = []
    links = 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            reached = reached[:-1]
            continue
        place = root.joinpath(*reached, part)
        try:
            target = os.readlink(place)  # noqa: PTH115 - as the link says it
        except OSError:
            reached.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        if target.startswith("/"):
            reached = []
        left += target.split("/")[::-1]
    place = root.joinpath(*reached)
    return place if os.path.isfile(place) else None  # noqa: PTH113 - no error where a folder is closed
