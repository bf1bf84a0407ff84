"""Makes an image from another one by adding files and settings, without running anything in it.

A Dockerfile for this would need a shell in the image, would run as its USER, and would use up its ONBUILD instructions. A
commit of a container that never ran needs nothing, keeps the whole configuration and is faster.
"""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from speedkit.engine.connection import Engine
from speedkit.engine.containers import CONTAINER_PREFIX, LABEL
from speedkit.errors import DiskFull, EngineError, EngineRefused

__all__ = ["derive_image"]

NEVER_RUN = "added by speedkit"
"""The command of a container that is never started; the image's history quotes it as what made the layer."""


def derive_image(
    engine: Engine,
    base: str,
    *,
    name: str,
    files: Mapping[str, bytes] | None = None,
    appended: Mapping[str, bytes] | None = None,
    environment: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Make the image `name` from another one, labelled as the kit's own.

    files: contents by absolute path. appended: what to add to the end of a file, where the image has that file.
    Raises: DiskFull, EngineError.
    """
    try:
        settings = engine.api.inspect_image(base)["Config"] or {}
        container = _create(engine, base)
        try:
            _add(engine, container, dict(files or {}) | _longer(engine, container, appended or {}))
            repository, _, tag = name.rpartition(":")
            engine.api.commit(container, repository, tag, conf=_changed(settings, environment or {}, labels or {}))
        finally:
            with suppress(EngineError):  # the image counts; a container that stays is swept at a later start
                engine.api.remove_container(container, v=True)
    except EngineRefused as problem:
        said = f"The image {name} could not be made from {base}: {problem.said}."
        if "no space left on device" in said:
            raise DiskFull(said, fix="Free some room (`docker system df` shows what takes it), then try again.") from None
        raise EngineError(said) from None


def _create(engine: Engine, base: str) -> str:
    name = f"{CONTAINER_PREFIX}{secrets.token_hex(6)}"
    made = engine.api.create_container(base, [NEVER_RUN], name=name, labels={LABEL: "1"})
    return str(made["Id"])


def _changed(settings: Mapping[str, Any], environment: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    kept = [pair for pair in settings.get("Env") or () if pair.partition("=")[0] not in environment]
    return dict(settings) | {
        "Env": kept + [f"{name}={value}" for name, value in environment.items()],
        "Labels": (settings.get("Labels") or {}) | {LABEL: "1"} | dict(labels),
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
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as archive:
        member = archive.next()
        content = archive.extractfile(member) if member is not None else None
        return content.read() if content is not None else None


def _add(engine: Engine, container: str, files: Mapping[str, bytes]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(str(Path(path).relative_to("/")))
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    engine.api.put_archive(container, "/", packed.getvalue())
