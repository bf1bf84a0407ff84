"""rust: Debian's rustc and cargo, the oldest version that is not older than what the tag says."""

from __future__ import annotations

from ..family import Family
from ..recipe import DebianPackages, Script, StandIn
from ..tags import Tag, major_and_minor
from .alpine import alpine
from .debian import PATH, buildpack, debian

__all__ = ["FAMILY"]

SUITES = (((1, 63), "bookworm", None), ((1, 85), "trixie", None), ((9,), "trixie", "trixie-backports"))
"""The newest version that a release of Debian has, by itself or with packages of a newer one."""
PROGRAMS = ("rustc", "cargo", "gcc", "libc6-dev", "ca-certificates")
FOLDERS = Script(('mkdir -p "$CARGO_HOME/bin"', 'chmod -R a+w "$CARGO_HOME"'))


def _stand_in(image: str, tag: Tag) -> StandIn | None:  # noqa: ARG001
    if tag.other:
        return None
    version = major_and_minor(tag.version)[:2]
    newest = SUITES[-1] if len(version) < 2 else next(entry for entry in SUITES if version <= entry[0])
    _, suite, programs_from = newest
    if tag.system == "alpine":
        below, flavour = alpine(), "alpine"
        suite, programs_from = "trixie", "trixie-backports"
    elif tag.is_slim:
        below, flavour = debian(suite), f"slim-{suite}"
    else:
        below, flavour = buildpack(suite), suite
    parts = (DebianPackages(PROGRAMS, programs_from), FOLDERS)
    settings = {"CARGO_HOME": "/usr/local/cargo", "PATH": f"/usr/local/cargo/bin:{PATH}"}
    key, asked = f"rust:{tag.version or 'latest'}-{flavour}", f"Rust {tag.version}".strip()
    return StandIn(key, below, parts, settings, asked=asked)


FAMILY = Family("rust", ("rust",), _stand_in)
