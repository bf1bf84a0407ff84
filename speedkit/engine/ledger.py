"""Notes what this installation made on an engine: a small file for each image, container and build under way.

    <state>/engines/<engine>/<kind>.<key>            an object that outlives the process that made it
    <state>/engines/<engine>/<kind>.<key>.<owner>    an object that is removed when its owner is dead

`key` is the id of an image, else a random number; `owner` is the identity of a process (`speedkit.ownership`). The file of
an image holds the names that the kit gave it, and the layers that it added to its base, with their sizes. The file of a
container, of a build under way or of an image in the making is written before the thing itself exists: whenever a
process is killed, nothing of it is forgotten.

A file is written whole or not at all, so that processes need not wait for each other. Where the state folder cannot be
written to nothing is noted: that is no reason to fail a build.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
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
    """One object of this installation.

    key: the digits of an image's id, else of a random number. owner: the identity of the process with which the object goes;
    None for one that outlives the process that made it.
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
        """When the object was last made or used, in nanoseconds since 1970; 0 when its note is gone."""
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
        """What the image in the making is to be."""
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
    return _notes_in(_folder(engine))


def _notes_in(folder: Path) -> list[Note]:
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
    """Note an image that the kit made, or made again. The note's time becomes that of its last use: now.

    name: what the image is called; earlier names stay noted. layers: those that the image added to its base, bytes by diffID.
    owner: of an isolated image; None is this process.
    """
    owner = (owner or _owner_or_none()) if kind == "isolated" else None
    with contextlib.suppress(OSError, EngineError, StateRefused):
        folder = _folder(engine)
        note = _note(folder, kind, _key(image_id), owner)
        names = dict.fromkeys((*note.names, name))
        _write(note.path, {"names": list(names), "layers": dict(layers or {}) or note.layers})


def note_use(engine: Engine, image_ids: Iterable[str]) -> None:
    """Note that images are used now. Those that the kit did not make are passed over."""
    keys = {_key(image_id) for image_id in image_ids}
    with contextlib.suppress(OSError, EngineError, StateRefused):
        for note in notes_of(engine):
            if note.key in keys:
                note.path.touch()


@contextlib.contextmanager
def note_making(engine: Engine, kind: ImageKind, name: str) -> Iterator[None]:
    """Note, while the block lasts, that this process makes an image of that name. The block itself notes the image by its id.

    Where the block raises, the note stays: the image may be there all the same, and `sweeping` looks for it.
    """
    note = _noted(engine, "making", {"names": [name], "will_be": kind})
    yield
    remove_notes(note)


@contextlib.contextmanager
def note_build(engine: Engine, name: str) -> Iterator[None]:
    """Note, while the block lasts, that this process builds an image of that name: nobody removes what the build may need."""
    note = _noted(engine, "build", {"names": [name]})
    try:
        with note_making(engine, "result", name):
            yield
    finally:
        remove_notes(note)


@dataclass(frozen=True, slots=True)
class NotedContainer:
    """A container that this process is about to make. name: what it is to be called; no other container has that name."""

    name: str
    _notes: list[Note]

    def is_gone(self) -> None:
        """Remove the note. Without this call, the container is swept when its owner is dead."""
        remove_notes(self._notes)


def note_container(engine: Engine) -> NotedContainer:
    """Note a container before it is made, under a name that is new."""
    number = os.urandom(6).hex()
    owner = _owner_or_none() or UNKNOWN_OWNER
    return NotedContainer(container_name(owner, number), _noted(engine, "container", {}, number))


def _noted(engine: Engine, kind: Kind, document: dict[str, Any], key: str | None = None) -> list[Note]:
    """The note, written; none where it cannot be."""
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
    """Where the notes about an engine are. It is told by its identity: tomorrow another one may listen at its address."""
    return state_home() / FOLDER / hashlib.sha256(engine.identity.encode()).hexdigest()[:16]


def _write(path: Path, document: Mapping[str, Any]) -> None:
    private_folder(path.parent)
    draft = path.with_name(f".{path.name[:80]}-{os.urandom(6).hex()}")
    try:
        with open_private(draft, "w", encoding="utf-8") as file:
            json.dump(document, file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
