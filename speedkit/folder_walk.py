"""Walks a foreign folder of any depth, and follows no symlinks."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator

__all__ = ["walk_folder"]


def walk_folder(
    folder: str | os.PathLike[str], *, skipped: Container[str] = ()
) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Each folder's path and its entries that are no folders, sorted by name.

    The path is relative to `folder`: "" for itself, else with a slash at its end. skipped: names of folders to leave out.
    A folder that cannot be read is left out, too.
    """
    # Up to Python 3.11 `os.walk` calls itself for each level and fails at about a thousand.
    root = os.fspath(folder)
    unvisited = [""]
    while unvisited:
        within = unvisited.pop()
        try:
            with os.scandir(f"{root}/{within}") as entries:
                children = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        yield within, [child for child in children if not child.is_dir(follow_symlinks=False)]
        folders = [child.name for child in children if child.is_dir(follow_symlinks=False) and child.name not in skipped]
        unvisited += [f"{within}{name}/" for name in reversed(folders)]
