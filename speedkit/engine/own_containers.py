"""Containers of the kit's own: each is noted before it is made, and removed in the end or by the next start."""

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
    """The name of a container of the kit's own, made and not started; removed in the end, with the volumes that it brought.

    settings: further arguments of the client's `create_container`.
    Whatever happens to this process, the next start removes what is left of it.
    Raises: EngineRefused when it cannot be made.
    """
    noted = note_container(engine)
    try:
        engine.api.create_container(image, command, name=noted.name, labels=our_labels(), **(settings or {}))
    except EngineRefused:
        noted.is_gone()
        raise
    try:
        yield noted.name
    finally:
        if _is_removed(engine, noted.name):
            noted.is_gone()


def _is_removed(engine: Engine, container: str) -> bool:
    """Whether the engine has removed it. The answer counts, whatever becomes of that: what stays is swept later.

    The engine refuses with 409 while it removes the container already.
    """
    try:
        engine.api.remove_container(container, force=True, v=True)
    except EngineError as problem:
        return isinstance(problem, EngineRefused) and problem.status == HTTPStatus.NOT_FOUND
    return True
