"""Guesses the folder in which a build runs, where no file says so: the one in which the files are that the build names."""

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
    """The folder with the contexts and Dockerfiles of bake's targets: the file's own folder, or one above it.

    Paths in a bake file begin in the folder in which bake runs. Paths in a compose file begin in the folder of the first
    compose file on the command line. Neither folder is named in the file.
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
    # For equal counts, `max` returns the first folder, which is the nearest.
    return max(folders, key=count)


def copied_files(dockerfile: str) -> list[str]:
    """The files and folders that a Dockerfile copies from the build context, as far as they are plain names."""
    sources: list[str] = []
    for match in SOURCES.finditer(dockerfile):
        text = match["rest"].replace("\\\n", " ").strip()
        words = [word for word in text.split() if not word.startswith("--")]
        # Only plain copies from the context count: not from stages, not in the exec form, and no here-documents.
        if "--from" not in text and not text.endswith("]") and "<<" not in text:
            sources += [word.lstrip("/") for word in words[:-1] if not NOT_PLAIN.search(word)]
    return [source for source in sources if source]
