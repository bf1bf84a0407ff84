"""golang: the toolchain that the Go module proxy serves. Debian flavours have git, make and gcc, as the real images do."""

from __future__ import annotations

from ..family import Family
from ..recipe import DebianPackages, GoToolchain, Script, StandIn
from ..tags import Tag, major_and_minor
from .alpine import alpine
from .debian import PATH, scm

__all__ = ["FAMILY"]

COMPILERS = ("gcc", "g++", "libc6-dev", "make", "pkg-config")
SINCE = (((1, 24, 6), "trixie"), ((1, 20, 5), "bookworm"))
"""The first versions whose images are built on a release of Debian, unless their tag names another one."""


def _stand_in(image: str, tag: Tag) -> StandIn | None:  # noqa: ARG001
    if tag.other:
        return None
    if tag.system == "alpine":
        below = alpine()
        key = f"golang:{tag.version or 'latest'}-alpine"
    else:
        # `1.24` alone is the newest of its patch releases, `1` the newest of all.
        numbers = major_and_minor(tag.version)
        whole = numbers + (99,) * (3 - len(numbers))
        suite = next((suite for first, suite in SINCE if whole >= first), "bullseye")
        below = scm(tag.suite or suite)
        key = f"golang:{tag.version or 'latest'}-{below.flavour}"
    settings = {"GOPATH": "/go", "GOTOOLCHAIN": "local", "PATH": f"/go/bin:/usr/local/go/bin:{PATH}"}
    folders = Script(('mkdir -p "$GOPATH/src" "$GOPATH/bin"', 'chmod -R 1777 "$GOPATH"'))
    compilers = () if tag.system == "alpine" else (DebianPackages(COMPILERS),)
    parts = (*compilers, GoToolchain(tag.version), folders)
    return StandIn(key, below, parts, settings, workdir="/go", asked=f"Go {tag.version}".strip())


FAMILY = Family("golang", ("golang", "cgr.dev/chainguard/go"), _stand_in)
