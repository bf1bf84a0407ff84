"""The notebooks as files: where the kit has them, and how a reader gets copies, in the reader's language.

A copy belongs to the reader, who changes it by running it or typing in it. A note beside the copies has the SHA-256 of each
notebook as it was copied, so that a later version of the kit replaces only unchanged copies.

    <folder>/.speedkit-notebooks.json     JSON: SHA-256 by name. Without it, every copy counts as changed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from speedkit.errors import FileRefused, Misuse
from speedkit.messages import language_tag, message
from speedkit.shipped import shipped_folder, shipped_places

from .notebook_translations import TRANSLATIONS, translated_notebook

__all__ = ["FIRST_NOTEBOOK", "CopiedNotebooks", "copy_notebooks", "notebook_content", "notebooks_folder", "notebooks_in"]

FIRST_NOTEBOOK = "00_start_here.ipynb"
FOLDERS = shipped_places(__file__, "notebooks")
NOTE = ".speedkit-notebooks.json"
ENGLISH = "en"


@dataclass(frozen=True)
class CopiedNotebooks:
    """The result of copying.

    folder: where the reader's copies are. copied: new or replaced files. beside: name of a changed notebook → name of the new
    version.
    """

    folder: Path
    copied: tuple[str, ...]
    beside: dict[str, str]


def notebooks_folder() -> Path:
    """The folder with the kit's own notebooks."""
    return shipped_folder(FOLDERS, FIRST_NOTEBOOK) or FOLDERS[-1]


def notebooks_in(folder: Path) -> list[Path]:
    """The notebooks of a folder in their order.

    Raises: Misuse when there are none.
    """
    notebooks = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not notebooks:
        sentence = message("There are no notebooks in {folder}.", folder=folder)
        raise Misuse(sentence, fix=message("They come with speedkit: install it again."))
    return notebooks


def notebook_content(notebook: Path) -> bytes:
    """One of the kit's notebooks in the reader's language: what has no translation is English."""
    catalogue = language_tag().replace("-", "_")
    return translated_notebook(notebook.read_bytes(), notebook.parent / TRANSLATIONS / catalogue / f"{notebook.stem}.po")


def copy_notebooks(folder: Path) -> CopiedNotebooks:
    """Copy the notebooks into a reader's folder, which is made when missing. A copy that the reader changed stays.

    The new version of a changed notebook, or the one in another language, is written beside it, once. Nothing is copied into
    the kit's own folder, which is English: copies in another language come into a folder beside it.
    Raises: FileRefused when nothing can be written there.
    """
    kit_folder, language = notebooks_folder(), language_tag()
    if folder.resolve() == kit_folder:
        if not (kit_folder / TRANSLATIONS / language.replace("-", "_")).is_dir():
            return CopiedNotebooks(kit_folder, (), {})
        folder = kit_folder.with_name(f"{kit_folder.name}-{language}")
    copied: list[str] = []
    beside: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copied_digests = _read_note(folder / NOTE)
        for notebook in notebooks_in(kit_folder):
            name, content = notebook.name, notebook_content(notebook)
            target = folder / name
            old_digest = _digest(target.read_bytes()) if target.exists() else None
            new_digest = _digest(content)
            # A copy that is missing, or still as it was copied, is replaced. One that the reader changed stays, and gets the
            # new version beside it, unless the reader had that version already.
            if old_digest is None or (old_digest != new_digest and old_digest == copied_digests.get(name)):
                _write(target, content)
                copied.append(name)
            elif new_digest not in (old_digest, copied_digests.get(name)):
                # A path beside the notebook that is free, or has this very content already.
                numbers = (str(number) if number > 1 else "" for number in count(1))
                version = "new" if language == ENGLISH else language
                paths = (target.with_name(f"{target.stem}-{version}{number}.ipynb") for number in numbers)
                new_version = next(path for path in paths if not path.exists() or path.read_bytes() == content)
                if not new_version.exists():
                    _write(new_version, content)
                    beside[name] = new_version.name
            copied_digests[name] = new_digest
        _write(folder / NOTE, json.dumps(copied_digests, indent=1).encode())
    except OSError as problem:
        raise FileRefused(
            message("The notebooks cannot be copied to {folder}: {reason}.", folder=folder, reason=problem.strerror),
            fix=message("Name another folder: `speedkit lab FOLDER`."),
        ) from None
    return CopiedNotebooks(folder, tuple(copied), beside)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.unfinished")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _read_note(path: Path) -> dict[str, str]:
    try:
        digests = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    return {str(name): str(digest) for name, digest in digests.items()} if isinstance(digests, dict) else {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
