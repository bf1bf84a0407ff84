"""The engine's description of an image: its size, its layers, and the history that made them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from speedkit.errors import EngineError, NoSuchImage
from speedkit.messages import message

from .connection import Engine
from .image_names import stand_in_images

__all__ = ["describe_image", "inspect_image", "layers_on"]


def inspect_image(engine: Engine, name: str) -> dict[str, Any]:
    """The engine's own description of an image: the document of `docker image inspect`.

    Raises: NoSuchImage, EngineError.
    """
    status, description = engine.get(f"/images/{quote(name, safe='/:@', errors='replace')}/json")
    # A name with empty parts or `..` makes a path that the engine redirects.
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.MOVED_PERMANENTLY):
        if stand_ins := stand_in_images(name):
            fix = message("See `docker images`. Its local stand-in, where there is one, is {stand_in}.", stand_in=stand_ins[-1])
        else:
            fix = message("See `docker images`.")
        raise NoSuchImage(message("The engine has no image {name!r}.", name=name), fix=fix)
    if status != HTTPStatus.OK or not isinstance(description, dict) or "Id" not in description:
        reason = str(description.get("message")) if isinstance(description, dict) else f"HTTP {status}"
        raise EngineError(message("The engine could not describe the image {name!r}: {reason}.", name=name, reason=reason))
    return description


DESCRIPTIONS_KEPT = 64
_descriptions: dict[tuple[str, str, tuple[str, ...]], dict[str, Any]] = {}
"""By the engine's address, image id and base layers. An image never changes under its id, so its description can be kept.

The key is not the `Engine`: each build has an object of its own, which would stay here with its open connection.
"""


def describe_image(engine: Engine, image_id: str, base_layers: tuple[str, ...]) -> dict[str, Any]:
    """The description of an image for a recording: `{"id", "size_bytes", "diff_ids", "layers": […], "history": […]}`.

    base_layers: the diffIDs of the base image. If the image begins with them, its layers from there are marked `from_base`.
    Raises: NoSuchImage, EngineLost.
    """
    key = (engine.host, image_id, base_layers)
    if key in _descriptions:
        return _descriptions[key]
    inspected = inspect_image(engine, image_id)
    diff_ids = tuple(inspected.get("RootFS", {}).get("Layers") or ())
    history = [
        {"command": entry.get("CreatedBy") or "", "size_bytes": entry.get("Size", 0)}
        for entry in reversed(engine.api.history(image_id))
    ]
    shared = len(base_layers) if diff_ids[: len(base_layers)] == base_layers else 0
    # With containerd's image store, `Size` is the sum of the compressed layers, while an entry of the history has the space
    # that the layer's files take on disk. With Docker's own store, both are the size of the files.
    size_bytes = max(inspected.get("Size", 0), sum(entry["size_bytes"] for entry in history))
    description = {
        "id": inspected["Id"],
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
    """The layers that an image has on top of its base: bytes by diffID. described: by `describe_image`."""
    layers = zip(described["diff_ids"], described["layers"], strict=False)
    return {diff_id: layer["size_bytes"] for diff_id, layer in layers if not layer["from_base"]}


def _layers(history: list[dict[str, Any]], count: int, shared: int) -> list[dict[str, Any]]:
    """The history entries that made a layer, oldest first.

    count: of the image's layers. shared: how many of them are the base image's.
    """
    # The image's config marks entries without a layer (`empty_layer`, OCI image spec, config.md), but the engine's history
    # leaves the mark out. An entry of size 0 may also be a layer, such as a RUN that wrote nothing. So instructions that never
    # make a layer are dropped, and then as many of the oldest other entries of size 0 as there are too many.
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
    """Whether a command in the history is that of an instruction without a layer."""
    # BuildKit writes `ENV A=1`, the older builder `/bin/sh -c #(nop)  ENV A=1`.
    words = command.replace("/bin/sh -c #(nop)", "").split(maxsplit=1)
    return bool(words) and words[0].upper() in METADATA
