"""The base images of a build: how large each is on this machine, and how much of it the build fetched."""

from __future__ import annotations

from speedkit.engine import connect, inspect_image
from speedkit.messages import message
from speedkit.model import Base, Build
from speedkit.words import bytes_text

__all__ = ["base_sizes"]


def base_sizes(build: Build) -> str:
    """A sentence per base image. A machine that does not have an image fetches it before its first build.

    Raises: EngineError, NoSuchImage for an image that is gone.
    """
    return "\n".join(_size(build, base) for base in build.bases)


def _size(build: Build, base: Base) -> str:
    size = bytes_text(int(inspect_image(connect(), base.used).get("Size") or 0))
    fetched = sum(step.bytes_fetched for step in build.instructions if step.instruction.split()[:2] == ["FROM", base.reference])
    if fetched:
        return message(
            "{image}: {size} on this machine. This build fetched {fetched} of it.",
            image=base.in_words,
            size=size,
            fetched=bytes_text(fetched),
        )
    if base.stand_in:
        return message(
            "{image}: a stand-in of {size}, made on this machine. This build fetched nothing of it.",
            image=base.in_words,
            size=size,
        )
    return message("{image}: {size} on this machine. This build fetched nothing of it.", image=base.in_words, size=size)
