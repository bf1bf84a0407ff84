"""Hands an image of the engine to a builder that does not see the engine's images.

The image is written to a folder as an OCI image layout, which buildx sends to any builder as a named build context.
https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from typing import IO, cast

from speedkit.engine import Engine, inspect_image, saved_stream
from speedkit.errors import NO_ROOM, BuilderCannot, DiskFull, EngineError
from speedkit.images import ByteStream
from speedkit.messages import message
from speedkit.state import open_private

__all__ = ["hand_over"]

PART = re.compile(r"oci-layout|index\.json|blobs/sha256/[0-9a-f]{64}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PIECE_BYTES = 1 << 20


def hand_over(engine: Engine, image: str, folder: Path, *, is_over: Callable[[], bool]) -> str:
    """The value of `--build-context` for an image, once it is written into a new folder; "" when `is_over` stopped it.

    is_over: says that nobody needs the image any more, so writing stops half-way.
    Raises: NoSuchImage, EngineError, DiskFull; BuilderCannot for an engine that does not save OCI image layouts.
    """
    try:
        folder.mkdir(mode=0o700)
        with saved_stream(engine, inspect_image(engine, image)["Id"]) as stream:
            _write_parts(stream, folder, is_over)
    except tarfile.TarError as problem:
        sentence = message("The image {image} could not be handed over: {problem}.", image=image, problem=problem)
        raise EngineError(sentence) from None
    except OSError as problem:
        sentence = message(
            "The image {image} could not be handed over: {folder} cannot be written to: {problem}.",
            image=image,
            folder=folder,
            problem=problem.strerror or problem,
        )
        if problem.errno in NO_ROOM:
            raise DiskFull(sentence, fix=message("Free some room there, or set TMPDIR to a folder that has some.")) from None
        raise EngineError(sentence) from None
    # The digest alone names the image; the tag is there because buildx requires one before the digest from 0.33 on.
    return f"oci-layout://{folder}:latest@{_digest(folder, image)}" if not is_over() else ""


def _write_parts(stream: ByteStream, folder: Path, is_over: Callable[[], bool]) -> None:
    with tarfile.open(fileobj=cast("IO[bytes]", _Readable(stream)), mode="r|") as archive:
        for member in archive:
            # Only the parts of the layout: a name such as ../x must not lead out of the folder.
            content = archive.extractfile(member) if member.isfile() and PART.fullmatch(member.name) else None
            if content is None:
                continue
            place = folder / member.name
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open_private(place) as file:
                while piece := content.read(PIECE_BYTES):
                    if is_over():
                        return
                    file.write(piece)


def _digest(folder: Path, image: str) -> str:
    """The digest of the one image in an OCI layout."""
    try:
        digests = [str(entry["digest"]) for entry in json.loads((folder / "index.json").read_bytes())["manifests"]]
    except (OSError, ValueError, LookupError, TypeError):
        digests = []
    # The digest becomes a part of an argument of buildx, so it must look like one.
    if len(digests) != 1 or not DIGEST.fullmatch(digests[0]):
        raise BuilderCannot(
            message(
                "The engine does not save the image {image} as an OCI image layout, so no other builder can use it.",
                image=image,
            ),
            fix=message("Docker Engine 25.0.3 and newer do. Or leave out --builder."),
        )
    return digests[0]


class _Readable(RawIOBase):
    """A stream of bytes as a file, which is what `tarfile` reads from."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.take(len(buffer))
        buffer[: len(data)] = data
        return len(data)
