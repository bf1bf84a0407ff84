"""Hands an image of the engine to a builder that does not see the engine's images.

The image is written to a folder in the layout of OCI, which buildx sends to any builder as a named build context.
https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import IO, cast

from speedkit.engine.connection import Engine
from speedkit.engine.images import inspect_image
from speedkit.errors import BuilderCannot, EngineError
from speedkit.messages import message

__all__ = ["hand_over"]

PART = re.compile(r"oci-layout|index\.json|blobs/sha256/[0-9a-f]{64}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def hand_over(engine: Engine, image: str, folder: Path) -> str:
    """Writes an image into a new folder, and gives the text by which buildx finds it there.

    Raises: NoSuchImage; EngineError, also for an engine before version 25, whose archives are not in the layout of OCI;
    BuilderCannot where the archive has no single image.
    """
    folder.mkdir(mode=0o700)
    chunks = engine.api.get_image(inspect_image(engine, image)["Id"])
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", _Readable(chunks)), mode="r|") as archive:
            for member in archive:
                if member.isfile() and PART.fullmatch(member.name):
                    member.mode = 0o600
                    archive.extract(member, folder, filter="data")
    except tarfile.TarError as problem:
        raise EngineError(
            message("The image {image} could not be handed over: {problem}.", image=image, problem=problem)
        ) from None
    return f"oci-layout://{folder}@{_digest(folder, image)}"


def _digest(folder: Path, image: str) -> str:
    """The digest of the one image in an OCI layout."""
    try:
        found = [str(entry["digest"]) for entry in json.loads((folder / "index.json").read_bytes())["manifests"]]
    except (OSError, ValueError, LookupError, TypeError):
        found = []
    if len(found) != 1 or not DIGEST.fullmatch(found[0]):
        raise BuilderCannot(
            message(
                "The engine does not save the image {image} in the layout of OCI, so no other builder can be given it.",
                image=image,
            ),
            fix=message("Docker Engine 25 and newer do. Or leave out --builder."),
        )
    return found[0]


class _Readable(RawIOBase):
    """Chunks of bytes, read as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._rest or next(self._chunks, b"")
        taken, self._rest = chunk[: len(buffer)], chunk[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
