"""Working copies: a folder of one's own to edit, with a name that BuildKit has never seen."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from speedkit.errors import DiskFull
from speedkit.state import state_folder

__all__ = ["working_copy"]


def working_copy(source: Path) -> Path:
    """A copy of a folder with its links, modes and times.

    BuildKit recognises a context by the name of its folder and compares sizes and times only, so a copy under a known name
    could be taken for the other one. The whole folder is copied, ignored files too: a `.dockerignore` may be edited.
    Raises: DiskFull.
    """
    copy = state_folder("work") / f"{source.name}-{uuid.uuid4().hex[:12]}"
    try:
        shutil.copytree(source, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv", "node_modules"))
    except OSError as problem:
        shutil.rmtree(copy, ignore_errors=True)
        raise DiskFull(f"{source} could not be copied to {copy.parent}: {problem}.", fix="Free some room.") from None
    return copy
