"""What the name of an image says: of which family it is, and which local image may stand in for it."""

from __future__ import annotations

__all__ = ["ONLY_HERE", "STAND_INS", "family_of", "name_on_hub", "stand_in_of"]

ONLY_HERE = "localhost:1/speedkit"
"""What the names of images begin with that lie in no registry.

With containerd's image store, BuildKit asks the registry in the name of a named context before it looks at home. This one
refuses at once; behind a firewall that drops packets, Docker Hub is waited for 60 seconds in every build.
"""
STAND_INS = {
    "alpine": f"{ONLY_HERE}/standin-alpine",
    "golang": f"{ONLY_HERE}/standin-golang",
    "debian": f"{ONLY_HERE}/standin-debian",
    "ubuntu": f"{ONLY_HERE}/standin-debian",
}
"""Which local image takes the place of which of Docker Hub's own images, whatever the tag."""
HUB = ("docker.io/", "index.docker.io/")


def family_of(reference: str) -> str:
    """The last part of an image's name, without registry, tag and digest: `golang` of `docker.io/library/golang:1.24`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def stand_in_of(reference: str) -> str | None:
    """The local image that may take an image's place: only one of Docker Hub's own, never somebody's `team/alpine`."""
    name = name_on_hub(reference)
    return STAND_INS.get(family_of(name)) if "/" not in name else None


def name_on_hub(reference: str) -> str:
    """The name without what stands for Docker Hub itself: `alpine:3` of `docker.io/library/alpine:3`."""
    for prefix in HUB:
        reference = reference.removeprefix(prefix)
    return reference.removeprefix("library/")
