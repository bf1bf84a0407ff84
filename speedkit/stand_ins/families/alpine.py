"""alpine: a minimal Debian with busybox and an `apk` in front of apt. No package registry has musl, so programs use glibc.

`apk add` installs the Debian packages of the same purpose (`files/apk`, with the names in `files/apk-names`).
"""

from __future__ import annotations

from importlib.resources import files

from ..family import Family
from ..recipe import DebianPackages, Part, Script, StandIn, TextFile
from .debian import PATH, debian

__all__ = ["FAMILY", "alpine"]

FOLDER = files(__package__) / "files"
LINKS = (
    # Debian's own programs stay; busybox's others get names, as Alpine's images have them.
    "for applet in $(busybox --list); do command -v $applet > /dev/null || ln -s /bin/busybox /usr/bin/$applet; done",
    "cp /etc/os-release /usr/lib/os-release.debian",
    "sed -i 's/^PRETTY_NAME=.*/PRETTY_NAME=\"stand-in for Alpine, made by speedkit of Debian\"/' /etc/os-release",
)
ACCOUNT_PROGRAMS = ("adduser", "addgroup", "deluser", "delgroup")
"""Programs with other options in Alpine's busybox than in Debian. Debian's busybox lacks them."""


def alpine() -> StandIn:
    """The stand-in for Alpine that other stand-ins grow from."""
    below = debian(None)
    accounts: list[Part] = [
        TextFile(f"/usr/local/sbin/{name}", (FOLDER / "accounts").read_text(encoding="utf-8"), 0o755)
        for name in ACCOUNT_PROGRAMS
    ]
    apk = TextFile("/usr/local/sbin/apk", (FOLDER / "apk").read_text(encoding="utf-8"), 0o755)
    names = TextFile("/usr/local/share/apk-names", (FOLDER / "apk-names").read_text(encoding="utf-8"))
    parts: tuple[Part, ...] = (DebianPackages(("busybox",)), apk, names, *accounts, Script(LINKS))
    return StandIn("alpine:latest", below, parts, {"PATH": PATH}, command=("/bin/sh",))


FAMILY = Family(
    "alpine",
    ("alpine", "cgr.dev/chainguard/wolfi-base"),
    lambda _, tag: alpine() if not tag.other and tag.suite is None else None,
)
