"""Where a build runs when no file says so: the folder in which the files are that it names."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["copied_files", "folder_with_files", "folder_with_targets"]

SOURCES = re.compile(r"^[ \t]*(?:COPY|ADD)[ \t]+(?P<rest>(?:.*\\\r?\n)*.*)$", re.IGNORECASE | re.MULTILINE)
NOT_PLAIN = re.compile(r"[$*?\[\\\0]|://|\.\.")


def folder_with_files(repository: Path, own: str, files: Sequence[str]) -> str:
    """The folder that has the most of these files: the file's own, or one above it in the repository."""
    return _best(own, lambda folder: sum(os.path.lexists(repository / folder / file) for file in files))


def folder_with_targets(repository: Path, own: str, definition: Mapping[str, Any]) -> str:
    """The folder in which the contexts and Dockerfiles of bake's targets are: the file's own, or one above it.

    The paths of a bake file begin where bake runs, and those of a compose file in the folder of the first file on the command
    line, so neither file says where that is.
    """
    places = [
        posixpath.join(str(target.get("context") or "."), str(target.get("dockerfile") or "Dockerfile"))
        for target in definition.values()
        if "dockerfile-inline" not in target
    ]
    return _best(own, lambda folder: sum(os.path.isfile(repository / folder / place) for place in places))  # noqa: PTH113 (no error for a long name)


def _best(own: str, count: Callable[[str], int]) -> str:
    folders = [posixpath.normpath(own or ".")]
    while folders[-1] != ".":
        folders.append(posixpath.dirname(folders[-1]) or ".")
    # Of equal ones, `max` takes the first: the nearest.
    return max(folders, key=count)


def copied_files(dockerfile: str) -> list[str]:
    """What a Dockerfile copies from the build context, where the name is plain."""
    sources: list[str] = []
    for match in SOURCES.finditer(dockerfile):
        text = match["rest"].replace("\\\n", " ").strip()
        words = [word for word in text.split() if not word.startswith("--")]
        if "--from" not in text and not text.endswith("]") and "<<" not in text:
            sources += [word.lstrip("/") for word in words[:-1] if not NOT_PLAIN.search(word)]
    return [source for source in sources if source]
