"""What to do about builds that failed for want of an image, a program or a network: read from what BuildKit said last."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from speedkit.commands import as_typed
from speedkit.engine import STAND_INS, stand_in_of
from speedkit.messages import message

__all__ = ["advice_on_failure"]

NO_IMAGE = re.compile(r"failed to resolve source metadata for (?P<image>\S+?): ")
SYNTAX_LINE = re.compile(r"^\s*\d+ \| >>> #\s*syntax\s*=", re.M)
NO_BRIDGE = re.compile(r"failed to create endpoint \S+ on network bridge: ")
UNKNOWN_TO_FRONTEND = re.compile(r"unknown (?:flag|instruction)|only supported in Dockerfile frontend|dockerfile parse error")
NO_COMMAND = "exit code: 127"


def advice_on_failure(
    said: str, *, stand_ins: Sequence[str], frontend: str | None = None, platforms: Mapping[str, str] | None = None
) -> str:
    """A sentence or two on what to do; "" where BuildKit's own words say it all.

    said: the plain text at the end of the build. stand_ins: the images that stand-ins took the place of. frontend: the one
    that the engine's own took the place of. platforms: what the images that are on the machine are for, by each of their names.
    """
    missing = NO_IMAGE.search(said)
    image = _short(missing["image"]) if missing else ""
    if missing and SYNTAX_LINE.search(said):
        return message(
            "The `# syntax=` line asks a registry for {image}, and none hands it out here. Remove the line: the engine then "
            "reads the Dockerfile by itself.",
            image=image,
        )
    if missing and (platform := (platforms or {}).get(image)):
        return message(
            "The image {image} is on this machine for {platform} alone, FROM asks for another platform, and no registry hands "
            "that out here.",
            image=image,
            platform=platform,
        )
    if missing:
        return _for_a_missing_image(image)
    if NO_BRIDGE.search(said):
        return message("The engine has lost its network, as when another engine was started beside it. Restart the engine.")
    if stand_ins and NO_COMMAND in said:
        return message(
            "Local stand-ins took the place of {images}: they lack programs that the real images have.",
            images=", ".join(stand_ins),
        )
    if frontend and UNKNOWN_TO_FRONTEND.search(said):
        return message(
            "No registry hands out {frontend} here, so the engine's own frontend read the Dockerfile: it may know less.",
            frontend=frontend,
        )
    return ""


def _for_a_missing_image(image: str) -> str:
    if stand_in_of(image):
        return as_typed(
            message(
                "The image {image} is not on this machine, and no registry hands it out here. `speedkit setup` makes a "
                "stand-in for it.",
                image=image,
            )
        )
    return message(
        "The image {image} is not on this machine, and no registry hands it out here. `docker pull {image}` where there is a "
        "network, or `docker load` a saved one. Stand-ins: {known} only.",
        image=image,
        known=", ".join(STAND_INS),
    )


def _short(image: str) -> str:
    """An image's name as a Dockerfile says it."""
    return image.removeprefix("docker.io/").removeprefix("library/").removesuffix(":latest")
