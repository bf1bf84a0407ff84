"""eclipse-temurin, openjdk and other builds of OpenJDK: Debian's openjdk, by major version."""

from __future__ import annotations

import re

from ..family import Family
from ..recipe import DebianPackages, Script, StandIn
from ..tags import Tag
from .alpine import alpine
from .debian import PATH, debian

__all__ = ["FAMILY", "java"]

SUITES = {11: "bullseye", 17: "bookworm", 21: "trixie", 25: "trixie"}
"""The release of Debian that has a major version of OpenJDK."""
DEFAULT = 25
WORDS = frozenset({"jdk", "jre", "headless", "debian"})
OLD_VERSION = re.compile(r"(\d+)u\d+|b\d+")
"""The versions of Java 8, such as `8u412-b08`."""
HOME = "/opt/java/openjdk"


def java(asked: int, kind: str, system: str) -> StandIn:
    """The stand-in with a major version of OpenJDK, or the nearest. kind: `jdk` or `jre`."""
    major = next((version for version in SUITES if version >= asked), max(SUITES))
    if system == "alpine" and SUITES[major] != "trixie":
        major = 21  # the stand-in for Alpine is made of that release
    below = alpine() if system == "alpine" else debian(SUITES[major])
    packages = DebianPackages((f"openjdk-{major}-{kind}-headless", "ca-certificates", "curl", "unzip"))
    home = Script((f"mkdir -p {HOME.rpartition('/')[0]}", f"ln -s /usr/lib/jvm/java-{major}-openjdk-* {HOME}"))
    # Debian's script for openjdk writes below this folder, which a minimal Debian does not have.
    manuals = Script(("mkdir -p /usr/share/man/man1",))
    settings = {"JAVA_HOME": HOME, "PATH": f"{HOME}/bin:{PATH}"}
    flavour = "alpine" if system == "alpine" else SUITES[major]
    command = ("jshell",) if kind == "jdk" else None
    key = f"java:{asked}-{kind}-{flavour}"
    return StandIn(key, below, (manuals, packages, home), settings, command=command, asked=f"Java {asked}")


def _stand_in(image: str, tag: Tag) -> StandIn | None:
    version = tag.version
    other = []
    for word in tag.other:
        if match := OLD_VERSION.fullmatch(word):
            version = version or match[1] or ""
        elif word not in WORDS:
            other.append(word)
    # Amazon's images without another word are of its own Linux, which has yum.
    is_amazon_linux = image == "amazoncorretto" and tag.system != "alpine"
    if other or is_amazon_linux:
        return None
    kind = "jre" if "jre" in tag.other else "jdk"
    return java(int(re.match(r"\d+", version)[0]) if version else DEFAULT, kind, tag.system)  # type: ignore[index]


FAMILY = Family("java", ("eclipse-temurin", "openjdk", "sapmachine", "azul/zulu-openjdk", "amazoncorretto"), _stand_in)
