"""maven: a JDK of the `java` family, and Maven's own archive from Maven Central."""

from __future__ import annotations

from ..family import Family
from ..recipe import DebianPackages, MavenArchive, Script, StandIn
from ..tags import Tag
from .java import java

__all__ = ["FAMILY"]

NEWEST = {"3": "3.9.16", "3.9": "3.9.16", "3.8": "3.8.8", "3.6": "3.6.3", "": "3.9.16"}
VENDORS = frozenset({"eclipse", "temurin", "openjdk", "jdk", "amazoncorretto", "sapmachine", "debian", "slim"})
DEFAULT_JAVA = 21


def _stand_in(image: str, tag: Tag) -> StandIn | None:  # noqa: ARG001
    majors = [int(word) for word in tag.other if word.isdecimal()]
    if any(word not in VENDORS and not word.isdecimal() for word in tag.other) or len(majors) > 1:
        return None
    version = NEWEST.get(tag.version, tag.version)
    below = java(majors[0] if majors else DEFAULT_JAVA, "jdk", tag.system)
    link = Script(("ln -s /usr/share/maven/bin/mvn /usr/bin/mvn",))
    archive = MavenArchive(f"org.apache.maven:apache-maven:{version}:tar.gz:bin", "/usr/share/maven")
    settings = {"MAVEN_HOME": "/usr/share/maven"}
    parts = (DebianPackages(("git", "openssh-client")), archive, link)
    asked = f"Maven {tag.version}".strip() + f", {below.asked}"
    return StandIn(f"maven:{version}-{below.flavour}", below, parts, settings, command=("mvn",), asked=asked)


FAMILY = Family("maven", ("maven",), _stand_in)
