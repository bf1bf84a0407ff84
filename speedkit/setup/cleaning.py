"""Removes what speedkit made, and nothing else: images and containers with its label, and parts of its state folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from docker.errors import APIError

from speedkit.engine.connection import Engine
from speedkit.engine.containers import LABEL
from speedkit.state import state_folder

__all__ = ["Cleaned", "clean"]

DISPOSABLE = ("work", "host-caches", "dockerfiles", "layers")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How much was removed."""

    images: int
    containers: int
    recordings: int


def clean(engine: Engine | None, *, recordings: bool) -> Cleaned:
    """Remove the kit's containers, images and working copies.

    engine: None leaves images alone. recordings: remove these as well.
    """
    containers = _remove_containers(engine) if engine else 0
    images = _remove_images(engine) if engine else 0
    for part in DISPOSABLE:
        shutil.rmtree(state_folder(part), ignore_errors=True)
    removed = 0
    if recordings:
        removed = sum(1 for entry in state_folder("recordings").iterdir() if entry.is_dir())
        shutil.rmtree(state_folder("recordings"), ignore_errors=True)
    return Cleaned(images, containers, removed)


def _remove_containers(engine: Engine) -> int:
    found = engine.api.containers(all=True, filters={"label": LABEL})
    for container in found:
        engine.api.remove_container(container["Id"], force=True, v=True)
    return len(found)


def _remove_images(engine: Engine) -> int:
    """Remove the images with our label. One that somebody else's image grew from, or a container uses, stays."""
    removed = 0
    for image in engine.api.images(filters={"label": LABEL}):
        names = [name for name in image.get("RepoTags") or () if name != "<none>:<none>"] or [image["Id"]]
        foreign = [name for name in names if ":" in name and not name.startswith(("speedkit/", "sha256:"))]
        if foreign:
            continue
        for name in names:
            try:
                engine.api.remove_image(name)
                removed += 1
            except APIError:
                continue
    return removed
