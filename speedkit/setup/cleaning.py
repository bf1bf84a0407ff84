"""Removes what speedkit made, and nothing else: its images and containers, and parts of its state folder.

Labels pass on: an image that somebody builds on one of ours carries our label, and so does a container they run of it. So an
image must have our label and a name of ours, or none; a container must have a name of ours.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speedkit.apps import InUse, remove_unused_copies
from speedkit.engine.connection import Engine
from speedkit.engine.containers import CONTAINER_PREFIX, LABEL
from speedkit.errors import EngineRefused
from speedkit.state import state_folder

__all__ = ["Cleaned", "clean"]

OUR_REPOSITORIES = "speedkit/"
NO_NAME = "<none>:<none>"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How much was removed. in_use: working copies that were left, because a living process has them."""

    images: int
    containers: int
    recordings: int
    in_use: tuple[InUse, ...] = ()


def clean(engine: Engine | None, *, recordings: bool) -> Cleaned:
    """Remove the kit's containers, images and those working copies that nobody uses.

    engine: None leaves images alone. recordings: remove these as well.
    """
    state_folder()  # first, so that nothing is removed where the state folder cannot be reached
    containers = _remove_containers(engine) if engine else 0
    images = _remove_images(engine) if engine else 0
    in_use = remove_unused_copies()
    return Cleaned(images, containers, _remove_recordings() if recordings else 0, in_use)


def _remove_recordings() -> int:
    folder = state_folder("recordings")
    count = sum(1 for entry in folder.iterdir() if entry.is_dir())
    shutil.rmtree(folder, ignore_errors=True)
    return count


def _remove_containers(engine: Engine) -> int:
    found = engine.api.containers(all=True, filters={"label": LABEL, "name": f"^/{CONTAINER_PREFIX}"})
    return sum(_is_removed(engine.api.remove_container, container["Id"], force=True, v=True) for container in found)


def _remove_images(engine: Engine) -> int:
    """How many names and nameless images went. One that a container uses, or that another one grew from, stays."""
    removed = 0
    # An image can go when those made from it are gone.
    while names := _removed_names(engine):
        removed += names
    return removed


def _removed_names(engine: Engine) -> int:
    images = engine.api.images(filters={"label": LABEL})
    # Without noprune, an old nameless base image of the user's would go together with the image made from it.
    return sum(_is_removed(engine.api.remove_image, name, noprune=True) for image in images for name in _our_names(image))


def _our_names(image: Mapping[str, Any]) -> list[str]:
    names = [name for name in image.get("RepoTags") or () if name != NO_NAME]
    return [name for name in names if name.startswith(OUR_REPOSITORIES)] if names else [image["Id"]]


def _is_removed(remove: Any, name: str, **options: bool) -> bool:
    try:
        remove(name, **options)
    except EngineRefused:
        return False
    return True
