"""Removes built images before newer ones get their names: those of a measurement, once it is over."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from speedkit.errors import EngineError, StateRefused

from .cleanup import RemovedObjects, remove_image
from .connection import Engine
from .ledger import notes_of

__all__ = ["remove_results"]


def remove_results(engine: Engine, image_ids: Collection[str], names: Collection[str]) -> None:
    """Remove built images of this installation that have no other names than these. What cannot be removed stays.

    An image that another build made as well has the name of that build too, and is not removed.
    """
    with contextlib.suppress(EngineError, StateRefused):
        for note in notes_of(engine):
            if note.kind == "result" and note.image_id in image_ids and set(note.names) <= set(names):
                remove_image(engine, note, RemovedObjects())
