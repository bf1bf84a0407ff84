"""Makes an image from another one by adding files and settings, without running anything in it.

A Dockerfile for this would need a shell in the image, would run as its USER, and would use up its ONBUILD instructions. A
commit of a container that never ran needs nothing, keeps the whole configuration and is faster.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any

from speedkit.errors import DiskFull, EngineError, EngineRefused
from speedkit.messages import message

from .client import errors_of_ours
from .connection import Engine
from .identity import our_labels
from .images import describe_image, inspect_image, layers_on
from .ledger import ImageKind, note_image, note_making
from .own_containers import own_container

__all__ = ["derive_image"]

NEVER_RUN = "added by speedkit"
"""The command of a container that is never started; the image's history quotes it as what made the layer."""


def derive_image(
    engine: Engine,
    base: str,
    *,
    name: str,
    kind: ImageKind,
    files: Mapping[str, bytes] | None = None,
    appended: Mapping[str, bytes] | None = None,
    environment: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Make the image `name` from another one, labelled and noted as the kit's own.

    From equal input comes an equal layer, so that an image that was removed and is made again has the same cache.
    files: contents by absolute path. appended: what to add to the end of a file, where the image has that file.
    Raises: DiskFull, EngineError.
    """
    try:
        settings = engine.api.inspect_image(base)["Config"] or {}
        with note_making(engine, kind, name), own_container(engine, base, [NEVER_RUN]) as container:
            _add(engine, container, dict(files or {}) | _longer(engine, container, appended or {}))
            repository, _, tag = name.rpartition(":")
            engine.api.commit(container, repository, tag, conf=_changed(settings, environment or {}, labels or {}))
            made = inspect_image(engine, name)["Id"]
            note_image(engine, made, kind, name=name, layers=_added_layers(engine, made, base))
    except EngineRefused as problem:
        said = message("The image {name} could not be made from {base}: {reason}.", name=name, base=base, reason=problem.reason)
        if "no space left on device" in said:
            raise DiskFull(
                said, fix=message("Free some room (`docker system df` shows what takes it), then try again.")
            ) from None
        raise EngineError(said) from None


def _added_layers(engine: Engine, image: str, base: str) -> dict[str, int]:
    """The layers that an image has on top of its base, with their sizes."""
    below = tuple(inspect_image(engine, base)["RootFS"]["Layers"])
    return layers_on(describe_image(engine, image, below))


def _changed(settings: Mapping[str, Any], environment: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    kept = [pair for pair in settings.get("Env") or () if pair.partition("=")[0] not in environment]
    return dict(settings) | {
        "Env": kept + [f"{name}={value}" for name, value in environment.items()],
        "Labels": (settings.get("Labels") or {}) | our_labels() | dict(labels),
    }


def _longer(engine: Engine, container: str, appended: Mapping[str, bytes]) -> dict[str, bytes]:
    found = {path: _read(engine, container, path) for path in appended}
    return {path: content + appended[path] for path, content in found.items() if content is not None}


def _read(engine: Engine, container: str, path: str) -> bytes | None:
    """A file's content, through a symbolic link; None where there is no such file."""
    try:
        parts, stat = engine.api.get_archive(container, path)
        if stat["linkTarget"]:
            parts, stat = engine.api.get_archive(container, stat["linkTarget"])
    except EngineRefused as problem:
        if problem.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    packed = io.BytesIO(b"".join(parts))
    with errors_of_ours(engine.host), tarfile.open(fileobj=packed, mode="r:") as archive:
        member = archive.next()
        content = archive.extractfile(member) if member is not None else None
        return content.read() if content is not None else None


def _add(engine: Engine, container: str, files: Mapping[str, bytes]) -> None:
    """Write files, all with the same time, and their folders as well: else no two layers would be equal."""
    folders = {parent for path in files for parent in PurePosixPath(path).parents if parent.name}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder in sorted(folders):
            if (entry := _folder_entry(engine, container, folder)) is not None:
                archive.addfile(entry)
        for path, content in files.items():
            member = tarfile.TarInfo(str(PurePosixPath(path).relative_to("/")))
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    engine.api.put_archive(container, "/", packed.getvalue())


def _folder_entry(engine: Engine, container: str, folder: PurePosixPath) -> tarfile.TarInfo | None:
    """A folder as an archive holds it: as it is, or as a new one, but for its time. None where a link stands in its place.

    The time that it had is not known: the engine writes into /etc when it makes a container.
    """
    entry = tarfile.TarInfo()
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    address = f"{engine.api.base_url}/v{engine.api_version}/containers/{container}/archive"
    # Else it is sent compressed.
    headers = {"Accept-Encoding": "identity"}
    ask = partial(engine.api.get, address, params={"path": str(folder)}, headers=headers, stream=True)
    with errors_of_ours(engine.host), ask() as reply:
        if reply.status_code == HTTPStatus.OK:
            with tarfile.open(fileobj=reply.raw, mode="r|") as archive:
                # The other entries are all that the folder holds. They are read over, so that the connection can be used again.
                entry = archive.next() or entry
            reply.raw.drain_conn()
    entry.name, entry.mtime = str(folder.relative_to("/")), 0
    return entry if entry.isdir() else None
