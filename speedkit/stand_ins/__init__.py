"""Stand-ins for base images that no registry hands out: the stand-in for each image, and its parts.

In: a reference such as `golang:1.26-alpine`. Out: the `StandIn`, with its recipe. Nothing is asked or made here:
`speedkit.host_packages` makes stand-ins, `speedkit.engine` uses them. A family of images is one file in `families`.
"""

from __future__ import annotations

from functools import lru_cache

from .families import FAMILIES
from .family import Family
from .recipe import (
    DebianPackages,
    DebianTree,
    GoToolchain,
    MavenArchive,
    MavenPython,
    NodeRuntime,
    NpmPrograms,
    Part,
    Script,
    StandIn,
    TextFile,
    UnpackedPackages,
    WheelPrograms,
)
from .tags import read_tag

__all__ = [
    "FAMILIES",
    "DebianPackages",
    "DebianTree",
    "Family",
    "GoToolchain",
    "MavenArchive",
    "MavenPython",
    "NodeRuntime",
    "NpmPrograms",
    "Part",
    "Script",
    "StandIn",
    "TextFile",
    "UnpackedPackages",
    "WheelPrograms",
    "official_name",
    "stand_in_for",
]

MIRRORS = (
    "docker.io/library/",
    "index.docker.io/library/",
    "registry-1.docker.io/library/",
    "public.ecr.aws/docker/library/",
    "mirror.gcr.io/library/",
    "docker.io/",
    "index.docker.io/",
    "library/",
)
"""The beginnings of official images' names, on Docker Hub and on the public mirrors of its official images."""
TAG_LENGTH = 100


def official_name(reference: str) -> tuple[str, str]:
    """A reference's name without Docker Hub's own parts, and its tag, "" where it has none. A digest is left out."""
    without_digest = reference.partition("@")[0]
    # A colon before the last slash belongs to the registry's port.
    slash = without_digest.rfind("/") + 1
    last, _, tag = without_digest[slash:].partition(":")
    name = without_digest[:slash] + last
    prefix = next((mirror for mirror in MIRRORS if name.startswith(mirror)), "")
    return name.removeprefix(prefix), tag


@lru_cache(maxsize=256)
def stand_in_for(reference: str) -> StandIn | None:
    """The stand-in for a base image; None for an image of no family, or a flavour that no package registry has."""
    name, tag = official_name(reference)
    family = next((family for family in FAMILIES if name in family.images), None)
    return family.stand_in(name, read_tag(tag)) if family is not None and len(tag) <= TAG_LENGTH else None
