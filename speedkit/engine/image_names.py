"""Names of images: the families of base images, and the names of their local stand-ins."""

from __future__ import annotations

from speedkit.stand_ins import StandIn, official_name, stand_in_for

__all__ = [
    "CONTENTS_LABEL",
    "ONLY_HERE",
    "STAND_INS",
    "family_of",
    "is_stand_in_name",
    "name_on_hub",
    "stand_in_image",
    "stand_in_images",
    "with_go_settings",
]

ONLY_HERE = "localhost:1/speedkit"
"""The beginning of the names of images that are in no registry.

With containerd's image store, BuildKit asks the registry in the name of a named context before it uses a local image. Port 1
of this machine refuses at once. For Docker Hub behind a firewall that drops packets, every build would wait 60 seconds.
"""
STAND_INS = {
    "alpine": f"{ONLY_HERE}/standin-alpine",
    "golang": f"{ONLY_HERE}/standin-golang",
    "debian": f"{ONLY_HERE}/standin-debian",
    "ubuntu": f"{ONLY_HERE}/standin-debian",
}
"""The small stand-ins, which `speedkit setup` makes for the kit's own lessons, by the name of the official image."""
PREFIX = f"{ONLY_HERE}/stand-in/"
"""The beginning of the names of the other stand-ins, which `speedkit setup --for PATH` makes for a project."""
CONTENTS_LABEL = "dev.speedkit.stand-in-contents"
"""Says in a few words what a stand-in is made of, with versions."""
HUB = ("docker.io/", "index.docker.io/")


def family_of(reference: str) -> str:
    """The last part of an image's name, without registry, tag and digest: `golang` of `docker.io/library/golang:1.24`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def stand_in_image(stand_in: StandIn) -> str:
    """The name of a stand-in's image."""
    return PREFIX + stand_in.key


def stand_in_images(reference: str) -> tuple[str, ...]:
    """The names of the local images that may stand in for a base image, the best first; empty for an image of no family.

    A small stand-in comes last, and only where it is of the same flavour: the golang one has no git, make or gcc.
    """
    stand_in = stand_in_for(reference)
    if stand_in is None:
        return ()
    name, tag = official_name(reference)
    is_small = name in STAND_INS and (name != "golang" or "alpine" in tag)
    return (stand_in_image(stand_in), *([STAND_INS[name]] if is_small else []))


def is_stand_in_name(name: str) -> bool:
    """Whether an image of this name, with its tag, is a stand-in of the kit's."""
    return name.startswith(PREFIX) or name in {f"{small}:latest" for small in STAND_INS.values()}


def with_go_settings(reference: str) -> bool:
    """Whether the images of a reference's family get the host's settings for Go."""
    return family_of(reference) in STAND_INS


def name_on_hub(reference: str) -> str:
    """The name without Docker Hub's own parts: `alpine:3` of `docker.io/library/alpine:3`."""
    for prefix in HUB:
        reference = reference.removeprefix(prefix)
    return reference.removeprefix("library/")
