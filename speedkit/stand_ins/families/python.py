"""python: CPython of JavaCPP's presets on Maven Central, in /usr/local as the official images have it."""

from __future__ import annotations

from ..family import Family
from ..recipe import DebianPackages, MavenPython, Script, StandIn
from ..tags import Tag, major_and_minor
from .alpine import alpine
from .debian import PATH, buildpack, debian

__all__ = ["FAMILY", "python"]

PRESETS = {
    (3, 9): "3.9.6-1.5.6",
    (3, 10): "3.10.8-1.5.8",
    (3, 11): "3.11.3-1.5.9",
    (3, 12): "3.12.1-1.5.10",
    (3, 13): "3.13.5-1.5.12",
    (3, 14): "3.14.3-1.5.13",
}
"""The newest package of each minor version: org.bytedeco:cpython."""
LIBRARIES = (
    "ca-certificates", "libbz2-1.0", "liblzma5", "libncursesw6", "libreadline8", "libsqlite3-0", "libuuid1", "netbase",
    "tzdata",
)  # fmt: skip
"""Shared libraries that the presets' modules load, besides what the official slim images have."""
OF_DEBIAN = (3, 9)
BOOKWORM_SINCE = {(3, 9): 17, (3, 10): 12, (3, 11): 4, (3, 12): 0}
TRIXIE_SINCE = {(3, 9): 24, (3, 10): 19, (3, 11): 14, (3, 12): 12, (3, 13): 6, (3, 14): 0}
"""The first patch release of each minor version whose images are built on that release of Debian, without a word on it."""


def _suite(numbers: tuple[int, ...]) -> str:
    minor, patch = (numbers[0], numbers[1]), numbers[2] if len(numbers) > 2 else 99
    if patch >= TRIXIE_SINCE.get(minor, 99 if minor < (3, 9) else 0):
        return "trixie"
    return "bookworm" if patch >= BOOKWORM_SINCE.get(minor, 0 if minor >= (3, 12) else 99) else "bullseye"


def python(tag: Tag) -> StandIn:
    """The stand-in for a version and flavour of Python. tag: its `other` is ignored."""
    numbers = major_and_minor(tag.version)
    if len(numbers) < 2:
        numbers = max(PRESETS)
    suite = tag.suite or _suite(numbers)
    if numbers[:2] == OF_DEBIAN and tag.system == "debian":
        return _of_debian(tag)
    # The nearest minor version with a package on Maven Central.
    minor = min(PRESETS, key=lambda version: (abs(version[1] - numbers[1]), -version[1]))
    if tag.system == "alpine":
        below, flavour = alpine(), "alpine"
    elif tag.is_slim:
        below, flavour = debian(suite), f"slim-{suite}"
    else:
        below, flavour = buildpack(suite), suite
    # The presets' OpenSSL looks for certificates in a folder of the machine that it was built on.
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    settings = {"PATH": PATH, "LANG": "C.UTF-8", "SSL_CERT_FILE": certificates}
    parts = (DebianPackages(LIBRARIES), MavenPython(PRESETS[minor]), Script(("ldconfig",)))
    key, asked = f"python:{tag.version or 'latest'}-{flavour}", f"Python {tag.version}".strip()
    return StandIn(key, below, parts, settings, command=("python3",), asked=asked)


def _of_debian(tag: Tag) -> StandIn:
    """Debian's own Python 3.9: the preset of that version has neither SQLite nor LZMA."""
    below = (debian if tag.is_slim else buildpack)("bullseye")
    name = "python3.9"
    packages = DebianPackages((name, f"{name}-venv", f"{name}-dev", "ca-certificates", "netbase", "tzdata"))
    # A virtual environment there has pip and packages where the official images have them.
    script = Script((f"{name} -m venv --copies /usr/local", "ln -sf python3 /usr/local/bin/python"))
    flavour = "slim-bullseye" if tag.is_slim else "bullseye"
    asked = f"Python {tag.version}"
    settings = {"PATH": PATH, "LANG": "C.UTF-8"}
    return StandIn(f"python:{tag.version}-{flavour}", below, (packages, script), settings, command=("python3",), asked=asked)


FAMILY = Family(
    "python",
    ("python", "cgr.dev/chainguard/python"),
    # There is no preset for Python 2.
    lambda _, tag: None if tag.other or major_and_minor(tag.version)[:1] == (2,) else python(tag),
)
