"""node: npm's packages of the node binary, with npm, yarn and corepack as the official images have them."""

from __future__ import annotations

from ..family import Family
from ..recipe import DebianPackages, NodeRuntime, NpmPrograms, Script, StandIn
from ..tags import Tag, major_and_minor
from .alpine import alpine
from .debian import PATH, buildpack, debian

__all__ = ["FAMILY"]

NAMES = {"gallium": "16", "hydrogen": "18", "iron": "20", "jod": "22", "krypton": "24"}
"""Releases with long-term support, which tags may name: https://github.com/nodejs/release"""
NEWEST = (26,)
NPM = (((24,), "npm@11"), ((18,), "npm@10"), ((16,), "npm@8"))
"""The first versions that bring a version of npm."""
LAST_WITH_COREPACK = 24
USER = Script(("groupadd --gid 1000 node", "useradd --uid 1000 --gid node --shell /bin/sh --create-home node"))


def _stand_in(image: str, tag: Tag) -> StandIn | None:  # noqa: ARG001
    named = NAMES.get(tag.other[0]) if len(tag.other) == 1 else None
    if tag.other and named is None:
        return None
    version = named or tag.version
    numbers = major_and_minor(version) or NEWEST
    suite = tag.suite or ("trixie" if numbers >= NEWEST else "bookworm")
    libraries = DebianPackages(("ca-certificates", "libstdc++6", "libatomic1"))
    if tag.system == "alpine":
        below, flavour = alpine(), "alpine"
    elif tag.is_slim:
        below, flavour = debian(suite), f"slim-{suite}"
    else:
        below, flavour = buildpack(suite), suite
    npm = next((npm for first, npm in NPM if numbers >= first), "npm@6")
    programs = (npm, "yarn@1", *(("corepack@latest",) if numbers[0] <= LAST_WITH_COREPACK else ()))
    # node-gyp takes the headers from there, and does not download them.
    settings = {"PATH": PATH, "npm_config_nodedir": "/usr/local"}
    parts = (libraries, NodeRuntime(version), NpmPrograms(programs), USER)
    key, asked = f"node:{version or 'latest'}-{flavour}", f"Node.js {version}".strip()
    return StandIn(key, below, parts, settings, command=("node",), asked=asked)


FAMILY = Family("node", ("node", "cgr.dev/chainguard/node"), _stand_in)
