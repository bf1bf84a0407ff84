"""Walks a folder of somebody else's: however deep it is, and with no link followed."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator

__all__ = ["walk_folder"]


def walk_folder(
    folder: str | os.PathLike[str], *, skipped: Container[str] = ()
) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Each folder's path below the first one, "" or with a slash at its end, and what is in it but folders, sorted.

    `os.walk` calls itself for each level up to Python 3.11, and fails at a thousand. skipped: names of folders not looked
    into. A folder that cannot be read is passed over.
    """
    root = os.fspath(folder)
    waiting = [""]
    while waiting:
        within = waiting.pop()
        try:
            with os.scandir(f"{root}/{within}") as entries:
                children = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        yield within, [child for child in children if not child.is_dir(follow_symlinks=False)]
        folders = [child.name for child in children if child.is_dir(follow_symlinks=False) and child.name not in skipped]
        waiting += [f"{within}{name}/" for name in reversed(folders)]
