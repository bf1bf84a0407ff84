"""Containers of the kit's own. Each is noted before it is made, and removed after its use, or by the next start of the kit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from speedkit.errors import EngineError, EngineRefused

from .connection import Engine
from .identity import our_labels
from .ledger import note_container

__all__ = ["own_container"]


@contextlib.contextmanager
def own_container(
    engine: Engine, image: str, command: Sequence[str] | None = None, *, settings: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """The name of a new container that is not started yet. At the end of the block it is removed, with its anonymous volumes.

    settings: further arguments for the client's `create_container`.
    If this process is killed, the next start of the kit removes the container.
    Raises: EngineRefused when it cannot be made.
    """
    note = note_container(engine)
    try:
        engine.api.create_container(image, command, name=note.name, labels=our_labels(), **(settings or {}))
    except EngineRefused:
        note.is_gone()
        raise
    try:
        yield note.name
    finally:
        # An error of the removal must not hide the block's own result. The note stays then, and a later sweep tries again.
        # That is also right for a refusal with 409: the engine is removing the container at this moment.
        try:
            engine.api.remove_container(note.name, force=True, v=True)
            note.is_gone()
        except EngineError as problem:
            if isinstance(problem, EngineRefused) and problem.status == HTTPStatus.NOT_FOUND:
                note.is_gone()
