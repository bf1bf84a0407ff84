"""The ledger: notes about what this installation made on an engine. Each image, container and build under way has a small file.

    <state>/engines/<engine>/<kind>.<key>            of an object that outlives its process
    <state>/engines/<engine>/<kind>.<key>.<owner>    of an object that is removed once its process is dead

`key` is the id of an image, else a random number; `owner` is the identity of a process (`speedkit.ownership`). The file of
an image has the names that the kit gave it, and the layers that it added to its base, with their sizes. The file of a
container, of a build under way, or of an image in the making is written before the object exists, so that a process that is
killed leaves no object without a note.

A file is written whole or not at all, so that processes need no lock. Where the state folder cannot be written to, there are
no notes, and builds go on without them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeGuard, get_args

from speedkit.errors import EngineError, StateRefused
from speedkit.ownership import is_alive, owner_id
from speedkit.state import open_private, private_folder, state_home

from .connection import Engine
from .identity import UNKNOWN_OWNER, container_name

__all__ = [
    "ImageKind",
    "Note",
    "NotedContainer",
    "is_image_kind",
    "note_build",
    "note_container",
    "note_image",
    "note_making",
    "note_use",
    "notes_of",
    "remove_notes",
]

ImageKind = Literal["stand-in", "trusting", "isolated", "result"]
Kind = Literal["stand-in", "trusting", "isolated", "result", "making", "container", "build"]
FOLDER = "engines"
FILE = re.compile(r"(?P<kind>[a-z-]+)\.(?P<key>[0-9a-f]{12,64})(?:\.(?P<owner>[0-9a-f]{16}))?")


@dataclass(frozen=True, slots=True)
class Note:
    """The note about one object of this installation.

    path: of the note's file. key: the hex digits of an image's id, else of a random number. owner: the identity of the
    process; the object is removed once that is dead. None for an object that outlives its process.
    """

    path: Path
    kind: Kind
    key: str
    owner: str | None

    @property
    def image_id(self) -> str | None:
        return f"sha256:{self.key}" if is_image_kind(self.kind) else None

    @property
    def owner_lives(self) -> bool:
        return self.owner is not None and is_alive(self.owner)

    @property
    def used_ns(self) -> int:
        """The time when the object was last made or used, in nanoseconds since 1970; 0 when its note is gone."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the kit gave an image, or is about to give it."""
        names = self._document.get("names")
        return tuple(map(str, names)) if isinstance(names, list) else ()

    @property
    def layers(self) -> dict[str, int]:
        """The layers that an image added to its base: bytes by diffID."""
        layers = self._document.get("layers")
        return {str(key): size for key, size in layers.items() if isinstance(size, int)} if isinstance(layers, dict) else {}

    @property
    def will_be(self) -> ImageKind | None:
        """The kind of an image in the making, once it is made."""
        kind = self._document.get("will_be")
        return kind if is_image_kind(kind) else None

    @property
    def _document(self) -> dict[str, Any]:
        try:
            document = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}


def is_image_kind(kind: object) -> TypeGuard[ImageKind]:
    return kind in get_args(ImageKind)


def notes_of(engine: Engine) -> list[Note]:
    """All notes of this installation about an engine. Raises: EngineLost."""
    folder = _folder(engine)
    try:
        names = os.listdir(folder)  # noqa: PTH208 (an object for each name takes three times as long)
    except (FileNotFoundError, NotADirectoryError):
        return []
    notes = []
    for name in names:
        match = FILE.fullmatch(name)
        if match and match["kind"] in get_args(Kind):
            kind: Any = match["kind"]
            notes.append(Note(folder / name, kind, match["key"], match["owner"]))
    return notes


def note_image(
    engine: Engine,
    image_id: str,
    kind: ImageKind,
    *,
    name: str,
    layers: Mapping[str, int] | None = None,
    owner: str | None = None,
) -> None:
    """Note an image that the kit made, or made again, as used now.

    name: one that the image has; names in an earlier note stay. layers: those that the image added to its base, bytes by
    diffID. owner: the process of an isolated image, None for this one.
    """
    owner = (owner or _owner_or_none()) if kind == "isolated" else None
    with contextlib.suppress(OSError, EngineError, StateRefused):
        folder = _folder(engine)
        note = _note(folder, kind, _key(image_id), owner)
        # A new name comes last: `cleanup` shows the last one to the user.
        names = dict.fromkeys((*note.names, name))
        _write(note.path, {"names": list(names), "layers": dict(layers or {}) or note.layers})


def note_use(engine: Engine, image_ids: Iterable[str]) -> None:
    """Note that images are used now. Images without a note, which the kit did not make, are ignored."""
    keys = {_key(image_id) for image_id in image_ids}
    with contextlib.suppress(OSError, EngineError, StateRefused):
        for note in notes_of(engine):
            if note.key in keys:
                _mark_used(note.path)


@contextlib.contextmanager
def note_making(engine: Engine, kind: ImageKind, name: str) -> Iterator[None]:
    """Note, while the block runs, that this process makes an image of this name. The block notes the finished image itself."""
    note = _noted(engine, "making", {"names": [name], "will_be": kind})
    # No `finally`: after an error the image may exist all the same, and `sweep_engine` looks for it by this note.
    yield
    remove_notes(note)


@contextlib.contextmanager
def note_build(engine: Engine, name: str) -> Iterator[None]:
    """Note, while the block runs, that this process builds an image of this name: its base images stay meanwhile."""
    note = _noted(engine, "build", {"names": [name]})
    try:
        with note_making(engine, "result", name):
            yield
    finally:
        remove_notes(note)


@dataclass(frozen=True, slots=True)
class NotedContainer:
    """The note about a container that this process is about to make. name: for the container; no other one has it."""

    name: str
    _notes: list[Note]

    def is_gone(self) -> None:
        """Remove the note, once the container is removed. A container with a note is swept when its process is dead."""
        remove_notes(self._notes)


def note_container(engine: Engine) -> NotedContainer:
    """Note a container before it is made, under a new name."""
    number = os.urandom(6).hex()
    owner = _owner_or_none() or UNKNOWN_OWNER
    return NotedContainer(container_name(owner, number), _noted(engine, "container", {}, number))


def _noted(engine: Engine, kind: Kind, document: dict[str, Any], key: str | None = None) -> list[Note]:
    """Write a note, and return it; an empty list where it cannot be written."""
    with contextlib.suppress(OSError, EngineError, StateRefused):
        note = _note(_folder(engine), kind, key or os.urandom(6).hex(), owner_id())
        _write(note.path, document)
        return [note]
    return []


def remove_notes(notes: Iterable[Note]) -> None:
    """Remove the notes of objects that are gone."""
    for note in notes:
        with contextlib.suppress(OSError):
            note.path.unlink(missing_ok=True)


def _owner_or_none() -> str | None:
    try:
        return owner_id()
    except StateRefused:
        return None


def _note(folder: Path, kind: Kind, key: str, owner: str | None) -> Note:
    return Note(folder / ".".join(part for part in (kind, key, owner) if part), kind, key, owner)


def _key(image_id: str) -> str:
    return image_id.removeprefix("sha256:")


def _folder(engine: Engine) -> Path:
    """The folder of the notes about an engine."""
    # The folder is named by the engine's identity, not its address: another engine may listen at that address later.
    return state_home() / FOLDER / hashlib.sha256(engine.identity.encode()).hexdigest()[:16]


def _mark_used(path: Path) -> None:
    # The time that the system itself writes moves in steps of up to 10 ms: images used one right after another would tie.
    now_ns = time.time_ns()
    os.utime(path, ns=(now_ns, now_ns))


def _write(path: Path, document: Mapping[str, Any]) -> None:
    private_folder(path.parent)
    # `FILE` does not match a name that begins with a dot, so no reader takes the draft for a note.
    draft = path.with_name(f".{path.name[:80]}-{os.urandom(6).hex()}")
    try:
        with open_private(draft, "w", encoding="utf-8") as file:
            json.dump(document, file)
        _mark_used(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
