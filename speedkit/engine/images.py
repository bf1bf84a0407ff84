"""What the engine knows of an image: its size, its layers, the history that made them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from speedkit.errors import EngineError, NoSuchImage
from speedkit.messages import message

from .connection import Engine
from .image_names import stand_in_of

__all__ = ["describe_image", "inspect_image", "layers_on"]


def inspect_image(engine: Engine, name: str) -> dict[str, Any]:
    """The engine's own description of an image.

    Raises: NoSuchImage.
    """
    status, found = engine.get(f"/images/{quote(name, safe='/:@', errors='replace')}/json")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.MOVED_PERMANENTLY):
        # The engine sends names with empty parts, or with `..`, to another address.
        raise NoSuchImage(message("The engine has no image {name!r}.", name=name), fix=_instead_of(name))
    if status != HTTPStatus.OK or not isinstance(found, dict) or "Id" not in found:
        raise EngineError(
            message("The engine could not describe the image {name!r}: {reason}.", name=name, reason=_told(found, status))
        )
    return found


def _instead_of(name: str) -> str:
    stand_in = stand_in_of(name)
    if not stand_in:
        return message("See `docker images`.")
    return message("See `docker images`. Where builds have a stand-in for it, that is {stand_in}.", stand_in=stand_in)


def _told(answer: Any, status: int) -> str:
    """The engine's own words for what went wrong."""
    return str(answer.get("message")) if isinstance(answer, dict) else f"HTTP {status}"


DESCRIPTIONS_KEPT = 64
_descriptions: dict[tuple[str, str, tuple[str, ...]], dict[str, Any]] = {}
"""By the engine's address, not by the engine: each build has one of its own, and that has an open connection.

An image id never changes its meaning, so an answer is kept."""


def describe_image(engine: Engine, image_id: str, base_layers: tuple[str, ...]) -> dict[str, Any]:
    """The facts of an image that a recording keeps: `{"id", "size_bytes", "diff_ids", "layers": […], "history": […]}`.

    base_layers: the diffIDs of the base image; layers that begin the same way are marked `from_base`.
    Raises: NoSuchImage, EngineLost.
    """
    key = (engine.host, image_id, base_layers)
    if key in _descriptions:
        return _descriptions[key]
    found = inspect_image(engine, image_id)
    diff_ids = tuple(found.get("RootFS", {}).get("Layers") or ())
    history = [
        {"command": entry.get("CreatedBy") or "", "size_bytes": entry.get("Size", 0)}
        for entry in reversed(engine.api.history(image_id))
    ]
    shared = len(base_layers) if diff_ids[: len(base_layers)] == base_layers else 0
    # With containerd's store, `Size` is that of the compressed layers, and a layer's is the room that its files take on disk.
    size_bytes = max(found.get("Size", 0), sum(entry["size_bytes"] for entry in history))
    description = {
        "id": found["Id"],
        "size_bytes": size_bytes,
        "diff_ids": list(diff_ids),
        "history": history,
        "layers": _layers(history, len(diff_ids), shared),
    }
    if len(_descriptions) >= DESCRIPTIONS_KEPT:
        _descriptions.clear()
    _descriptions[key] = description
    return description


def layers_on(described: Mapping[str, Any]) -> dict[str, int]:
    """The layers that an image, as `describe_image` describes it, has on top of its base: bytes by diffID."""
    layers = zip(described["diff_ids"], described["layers"], strict=False)
    return {diff_id: layer["size_bytes"] for diff_id, layer in layers if not layer["from_base"]}


def _layers(history: list[dict[str, Any]], count: int, shared: int) -> list[dict[str, Any]]:
    """The history entries that made a layer, oldest first.

    The engine's history does not say which entries are empty. Entries of size 0 that BuildKit marks as metadata are; when
    the rest is not as many as there are layers, what is left over is dropped from those of size 0.
    """
    entries = [entry for entry in history if entry["size_bytes"] or not _is_metadata(entry["command"])]
    surplus = len(entries) - count
    for entry in [entry for entry in entries if not entry["size_bytes"]][: max(surplus, 0)]:
        entries.remove(entry)
    return [entry | {"from_base": place < shared} for place, entry in enumerate(entries)]


METADATA = frozenset(
    {"ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL"}
    | {"MAINTAINER", "ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME"}
)


def _is_metadata(command: str) -> bool:
    """BuildKit writes `ENV A=1`, the older builder `/bin/sh -c #(nop)  ENV A=1`."""
    words = command.replace("/bin/sh -c #(nop)", "").split(maxsplit=1)
    return bool(words) and words[0].upper() in METADATA
