"""Names of images: the families of base images, and the names of their local stand-ins."""

from __future__ import annotations

__all__ = ["ONLY_HERE", "STAND_INS", "family_of", "name_on_hub", "stand_in_of"]

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
"""The local image that stands in for an official image of Docker Hub, by the image's name without a tag."""
HUB = ("docker.io/", "index.docker.io/")


def family_of(reference: str) -> str:
    """The last part of an image's name, without registry, tag and digest: `golang` of `docker.io/library/golang:1.24`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def stand_in_of(reference: str) -> str | None:
    """The stand-in of an official image of Docker Hub; None for any other, such as `team/alpine`."""
    name = name_on_hub(reference)
    return STAND_INS.get(family_of(name)) if "/" not in name else None


def name_on_hub(reference: str) -> str:
    """The name without Docker Hub's own parts: `alpine:3` of `docker.io/library/alpine:3`."""
    for prefix in HUB:
        reference = reference.removeprefix(prefix)
    return reference.removeprefix("library/")
