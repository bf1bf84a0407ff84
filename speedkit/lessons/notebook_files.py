"""The notebooks as files: where they are, and a reader's own copies of them.

A copy is the reader's: running a notebook changes it, and so does typing in it. What was copied is noted beside the copies, so
that a later version of the kit replaces only what nobody changed.

    <folder>/.speedkit-notebooks.json     JSON: the SHA-256 of each notebook as it was copied, by its name; may be lost
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from speedkit.errors import FileRefused, Misuse
from speedkit.messages import message
from speedkit.shipped import shipped_folder, shipped_places

__all__ = ["FIRST_NOTEBOOK", "CopiedNotebooks", "copy_notebooks", "notebooks_folder", "notebooks_in"]

FIRST_NOTEBOOK = "00_start_here.ipynb"
FOLDERS = shipped_places(__file__, "notebooks")
NOTE = ".speedkit-notebooks.json"


@dataclass(frozen=True)
class CopiedNotebooks:
    """What copying did. copied: new or replaced files. beside: a changed notebook's name → the new version's name."""

    copied: tuple[str, ...]
    beside: dict[str, str]


def notebooks_folder() -> Path:
    """Where the kit's own notebooks are."""
    return shipped_folder(FOLDERS, FIRST_NOTEBOOK) or FOLDERS[-1]


def notebooks_in(folder: Path) -> list[Path]:
    """The notebooks of a folder in their order.

    Raises: Misuse when there are none.
    """
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        what = message("There are no notebooks in {folder}.", folder=folder)
        raise Misuse(what, fix=message("They come with speedkit: install it again."))
    return found


def copy_notebooks(folder: Path) -> CopiedNotebooks:
    """Copy the notebooks into a reader's folder, which is made when missing. A notebook that the reader changed stays.

    The new version of a changed notebook gets a name beside it, once. In the kit's own folder nothing is copied.
    Raises: FileRefused when nothing can be written there.
    """
    own = notebooks_folder()
    if folder.resolve() == own:
        return CopiedNotebooks((), {})
    copied: list[str] = []
    beside: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        noted = _read_note(folder / NOTE)
        for notebook in notebooks_in(own):
            name, content = notebook.name, notebook.read_bytes()
            target = folder / name
            there = _digest(target.read_bytes()) if target.exists() else None
            new = _digest(content)
            if there is None or (there != new and there == noted.get(name)):
                _write(target, content)
                copied.append(name)
            elif there != new and new != noted.get(name):
                unused = _unused_name(target, content)
                if not unused.exists():
                    _write(unused, content)
                    beside[name] = unused.name
            noted[name] = new
        _write(folder / NOTE, json.dumps(noted, indent=1).encode())
    except OSError as problem:
        raise FileRefused(
            message("The notebooks cannot be copied to {folder}: {reason}.", folder=folder, reason=problem.strerror),
            fix=message("Name another folder: `speedkit lab FOLDER`."),
        ) from None
    return CopiedNotebooks(tuple(copied), beside)


def _unused_name(target: Path, content: bytes) -> Path:
    """A name beside a notebook that nothing has yet, or that has this very content."""
    names = (target.with_name(f"{target.stem}-new{number if number > 1 else ''}.ipynb") for number in count(1))
    return next(path for path in names if not path.exists() or path.read_bytes() == content)


def _write(path: Path, content: bytes) -> None:
    """The file, whole or not at all."""
    draft = path.with_name(f".{path.name}.unfinished")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _read_note(path: Path) -> dict[str, str]:
    try:
        noted = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    return {str(name): str(digest) for name, digest in noted.items()} if isinstance(noted, dict) else {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
