"""Keeps the kit's images on an engine within their size limit, and removes built images whose name a newer build has."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from speedkit.budget import bytes_to_keep

from .cleanup import RemovedObjects, remove_image
from .connection import Engine
from .image_names import STAND_INS
from .ledger import Note, notes_of

__all__ = ["keep_images", "keep_stand_ins", "size_of_images", "size_of_stand_ins"]

REPLACED_RESULTS = 100
"""How many built images stay after a newer build took their name: users may still compare old builds."""
ISOLATED = 40
"""How many isolated base images stay. One that a build needs again is made again, with the same layer."""


def size_of_images(engine: Engine) -> int:
    """The bytes of all layers that the kit added to images, each layer counted once; without stand-ins.

    Raises: EngineLost, StateRefused.
    """
    return _size(note for note in notes_of(engine) if note.image_id is not None and note.kind != "stand-in")


def size_of_stand_ins(engine: Engine) -> int:
    """The bytes of all layers of stand-ins, each layer counted once. Raises: EngineLost, StateRefused."""
    return _size(note for note in notes_of(engine) if note.kind == "stand-in")


def keep_stand_ins(engine: Engine, limit: int, needed: Collection[str]) -> RemovedObjects:
    """Remove stand-ins until the others are within the limit, first those that were not used for the longest time.

    Those whose name a newer one has go in any case. Those that are needed stay, and so do the small ones for the kit's own
    lessons. While a build is under way, all stay.
    limit: in bytes. needed: names of images.
    Raises: EngineError, StateRefused.
    """
    removed = RemovedObjects()
    notes = notes_of(engine)
    if any(note.kind == "build" and note.owner_lives for note in notes):
        return removed
    stand_ins = sorted((note for note in notes if note.kind == "stand-in"), key=lambda note: note.used_ns)
    for note in _replaced(stand_ins):
        if remove_image(engine, note, removed):
            stand_ins.remove(note)
    kept_names = {*needed, *STAND_INS.values()}
    for note in [note for note in stand_ins if not kept_names & {*note.names}]:
        if _size(stand_ins) <= limit:
            break
        if remove_image(engine, note, removed):
            stand_ins.remove(note)
    return removed


def keep_images(engine: Engine, limit: int) -> RemovedObjects:
    """Remove images until the others are within the limit, first those that were not used for the longest time.

    Built images that a newer build replaced go before all others. Stand-ins have a limit of
    their own. Others that stay: the newest built image, images
    that a container uses, and images that a build under way may need.
    limit: in bytes.
    Raises: EngineError, StateRefused.
    """
    removed = RemovedObjects()
    notes = notes_of(engine)
    is_building = any(note.kind == "build" and note.owner_lives for note in notes)
    own = (note for note in notes if note.image_id is not None and note.kind != "stand-in")
    images = sorted(own, key=lambda note: note.used_ns)
    replaced = _replaced(note for note in images if note.kind == "result")
    isolated = [note for note in images if note.kind == "isolated"]
    for note in (*replaced[:-REPLACED_RESULTS], *(() if is_building else isolated[:-ISOLATED])):
        remove_image(engine, note, removed)
    images = [note for note in images if note.path.exists()]
    if _size(images) <= limit:
        return removed
    others = [] if is_building else [note for note in images if note not in replaced]
    newest = [note for note in others if note.kind == "result"][-1:]
    for note in (*replaced, *others):
        # `bytes_to_keep` is below the limit, so that not every build that follows has to remove an image.
        if _size(images) <= bytes_to_keep(limit):
            break
        if note in images and note not in newest and remove_image(engine, note, removed):
            images.remove(note)
    return removed


def _replaced(images: Iterable[Note]) -> list[Note]:
    """The images whose every name a newer one has. images: built images or stand-ins, oldest first."""
    results = list(images)
    newest = {name: note.key for note in results for name in note.names}
    return [note for note in results if all(newest[name] != note.key for name in note.names)]


def _size(images: Iterable[Note]) -> int:
    layers: dict[str, int] = {}
    for note in images:
        layers |= note.layers
    return sum(layers.values())
