"""Which Debian or Ubuntu this is, and where its packages come from."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Release", "Source", "is_root", "main_source", "read_release"]


@dataclass(frozen=True, slots=True)
class Release:
    """What /etc/os-release says. name: for people, such as "Debian GNU/Linux 12 (bookworm)"."""

    id: str
    like: str
    version: str
    codename: str
    name: str

    @property
    def uses_apt(self) -> bool:
        return bool({self.id, *self.like.split()} & {"debian", "ubuntu"})


@dataclass(frozen=True, slots=True)
class Source:
    """One source of packages: its address and the keyring it is signed by."""

    address: str
    suite: str
    signed_by: str | None


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def read_release(path: Path = Path("/etc/os-release")) -> Release:
    """The operating system; empty strings where it does not say."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    values = dict(re.findall(r'^(\w+)=["\']?(.*?)["\']?$', text, re.M))
    keys = ("ID", "ID_LIKE", "VERSION_ID", "VERSION_CODENAME", "PRETTY_NAME")
    return Release(*(values.get(key, "") for key in keys))


def main_source(codename: str, folder: Path = Path("/etc/apt")) -> Source | None:
    """Where this machine's own packages of a release come from, in either of apt's two formats (sources.list(5))."""
    for path in sorted((folder / "sources.list.d").glob("*.sources")):
        for paragraph in path.read_text(encoding="utf-8", errors="replace").split("\n\n"):
            fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", paragraph, re.M))
            suites = fields.get("Suites", "").split()
            if codename in suites and fields.get("URIs"):
                return Source(fields["URIs"].split()[0], codename, fields.get("Signed-By"))
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]:
        if not path.is_file():
            continue
        for options, address, suite in re.findall(
            r"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)", path.read_text(encoding="utf-8", errors="replace"), re.M
        ):
            if suite == codename:
                signed = re.search(r"signed-by=(\S+)", options)
                return Source(address, suite, signed[1] if signed else None)
    return None
