"""This machine's Debian or Ubuntu release, and the source of its packages.

In: /etc/os-release (os-release(5)) and apt's lists in both formats (sources.list(5)). Sources that are disabled or for other
architectures, and files that cannot be read, are ignored.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["Release", "Source", "is_root", "main_source", "read_release", "sources_of"]

NO = frozenset({"no", "false", "off", "0", "without", "disable"})
"""The words for "no" in apt's files (StringToBool in apt's apt-pkg/contrib/strutl.cc)."""
LIST_BYTES_AT_MOST = 1_000_000
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armhf", "i686": "i386", "ppc64le": "ppc64el"}
"""Debian's names of architectures, where they differ from the kernel's: https://wiki.debian.org/SupportedArchitectures"""
UNRELEASED = frozenset({"sid", "unstable", "testing", "forky"})
"""Suites without updates and security updates of their own."""


@dataclass(frozen=True, slots=True)
class Release:
    """The fields of /etc/os-release. like: ids of similar systems. name: for people: "Debian GNU/Linux 12 (bookworm)"."""

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
    """One source of packages, by the fields of sources.list(5).

    address: the URI. signed_by: the path of a keyring, or a key itself, in several lines. trusted: apt's option of this name,
    by which a user accepts packages without a signature.
    """

    address: str
    suite: str
    signed_by: str | None
    trusted: str | None = None

    def as_line(self) -> str | None:
        """The source in apt's one-line format; None for a source with the key itself, which takes several lines."""
        if "\n" in (self.signed_by or ""):
            return None
        options = [f"signed-by={self.signed_by}"] if self.signed_by else []
        options += [f"trusted={self.trusted}"] if self.trusted else []
        return " ".join(["deb", *([f"[{' '.join(options)}]"] if options else []), self.address, self.suite, "main"])

    def as_deb822(self, suite: str) -> str:
        """The source in apt's deb822 format, for a suite at the same address."""
        lines = ["Types: deb", f"URIs: {self.address}", f"Suites: {suite}", "Components: main"]
        lines += [f"Signed-By: {self.signed_by}"] if self.signed_by else []
        lines += [f"Trusted: {self.trusted}"] if self.trusted else []
        return "\n".join(lines) + "\n"


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def read_release(path: Path = Path("/etc/os-release")) -> Release:
    """This machine's release; "" for each field that the file lacks."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    values = dict(re.findall(r'^(\w+)=["\']?(.*?)["\']?$', text, re.M))
    keys = ("ID", "ID_LIKE", "VERSION_ID", "VERSION_CODENAME", "PRETTY_NAME")
    return Release(*(values.get(key, "") for key in keys))


def main_source(codename: str, folder: Path = Path("/etc/apt")) -> Source | None:
    """The first enabled source of a release's `main` packages; None when there is none.

    codename: of the release, such as `bookworm`. folder: of apt's configuration.
    """
    for path in _files(folder / "sources.list.d", ".sources"):
        for paragraph in _paragraphs(_text(path)):
            if source := _source_of_paragraph(paragraph, codename):
                return source
    for path in [folder / "sources.list", *_files(folder / "sources.list.d", ".list")]:
        for line in _text(path).split("\n"):
            if source := _source_of_line(line, codename):
                return source
    return None


def sources_of(suite: str, codename: str, folder: Path = Path("/etc/apt")) -> list[Source]:
    """The sources of a suite and of its updates: the host's own, or else those of its release with the suite in place of it.

    codename: of the host's release. The first source is the suite itself; empty where the host has none.
    """
    sources = []
    # Backports have no updates of their own, and neither have the suites that are not released yet.
    endings = ("",) if "-" in suite or suite in UNRELEASED else ("", "-updates", "-security")
    for ending in endings:
        source = main_source(suite + ending, folder)
        if source is None and (own := main_source(codename + ending, folder)) is not None:
            source = replace(own, suite=suite + ending)
        if source is not None:
            sources.append(source)
    return sources if sources and sources[0].suite == suite else []


def _files(folder: Path, ending: str) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(ending))
    except OSError:
        return []


def _text(path: Path) -> str:
    """The text of a list; "" for one that cannot be read or is no file."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            # Comments may be in any encoding; the addresses themselves are ASCII.
            return file.read(LIST_BYTES_AT_MOST).decode("utf-8", errors="replace").replace("\r\n", "\n")
    except OSError:
        return ""


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    """The fields of each paragraph in deb822 format, by their names in small letters. Values may have several lines."""
    # deb822(5): an empty line ends a paragraph, and a line that begins with a blank continues the value above it.
    fields: dict[str, str] = {}
    name = ""
    for line in [*text.split("\n"), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t":
            if name:
                fields[name] += f"\n{line}"
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()


def _source_of_paragraph(fields: Mapping[str, str], codename: str) -> Source | None:
    if fields.get("enabled", "yes").strip().lower() in NO:
        return None
    if "deb" not in fields.get("types", "").split() or codename not in fields.get("suites", "").split():
        return None
    if "main" not in fields.get("components", "main").split():
        return None
    if not _has_packages_for_here(fields.get("architectures"), fields.get("architectures-remove")):
        return None
    address = _address(fields.get("uris", "").split())
    return Source(address, codename, fields.get("signed-by"), fields.get("trusted")) if address else None


def _source_of_line(line: str, codename: str) -> Source | None:
    """The source in a line such as `deb [signed-by=/key] https://deb.example bookworm main  # ours`."""
    words = line.partition("#")[0].split()
    if words[:1] != ["deb"]:
        return None
    options: list[str] = []
    rest = words[1:]
    if rest and rest[0].startswith("["):
        # The options may be split into several words: `[ arch=amd64 signed-by=/key ]`.
        end = next((place for place, word in enumerate(rest) if word.endswith("]")), None)
        if end is None:
            return None
        options = " ".join(rest[: end + 1]).strip("[] ").split()
        rest = rest[end + 1 :]
    if len(rest) < 3 or rest[1] != codename or "main" not in rest[2:]:
        return None
    values = {name.lower(): value for name, _, value in (option.partition("=") for option in options)}
    if not _has_packages_for_here(values.get("arch"), values.get("arch-")):
        return None
    address = _address(rest[:1])
    return Source(address, codename, values.get("signed-by"), values.get("trusted")) if address else None


def _has_packages_for_here(architectures: str | None, removed: str | None) -> bool:
    """Whether apt reads a source for this machine's architecture. None for an option that the source does not have.

    `arch+=` adds to the architectures of the machine, so it says nothing about the machine's own.
    """
    machine = platform.machine()
    own = ARCHITECTURES.get(machine, machine)
    # A list in one line has commas, and one in deb822 format has blanks.
    kept, without = (re.split(r"[,\s]+", text.strip()) if text is not None else None for text in (architectures, removed))
    return (kept is None or own in kept) and own not in (without or ())


def _address(addresses: Sequence[str]) -> str | None:
    """The first address that is not a disc's. A disc has one release only, and set-up may need packages of another one."""
    return next((address for address in addresses if ":/" in address and not address.lower().startswith("cdrom:")), None)
