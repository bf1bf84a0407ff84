"""gradle: a JDK of the `java` family with Debian's Gradle, which is an old one: no package registry has Gradle's own archive.

Most projects bring a `gradlew`, which downloads the Gradle that they need: the host it asks has to answer.
"""

from __future__ import annotations

from ..family import Family
from ..recipe import DebianPackages, Script, StandIn
from ..tags import Tag
from .java import java

__all__ = ["FAMILY"]

WORDS = frozenset({"jdk", "jre", "noble", "graal"})
DEFAULT_JAVA = 21
USER = Script(
    (
        "groupadd --gid 1000 gradle",
        "useradd --uid 1000 --gid gradle --shell /bin/sh --create-home gradle",
        "mkdir /home/gradle/.gradle",
        "chown gradle:gradle /home/gradle/.gradle",
        "ln -s /usr/share/gradle /opt/gradle",
    )
)


def _stand_in(image: str, tag: Tag) -> StandIn | None:  # noqa: ARG001
    majors = [word.removeprefix("jdk") for word in tag.other if word.removeprefix("jdk").isdecimal()]
    if any(word not in WORDS and word.removeprefix("jdk") not in majors for word in tag.other) or len(majors) > 1:
        return None
    below = java(int(majors[0]) if majors else DEFAULT_JAVA, "jdk", tag.system)
    settings = {"GRADLE_HOME": "/opt/gradle"}
    parts = (DebianPackages(("gradle", "git")), USER)
    key, asked = f"gradle:{tag.version or 'latest'}-{below.flavour}", f"Gradle {tag.version}".strip() + f", {below.asked}"
    return StandIn(key, below, parts, settings, workdir="/home/gradle", command=("gradle",), asked=asked)


FAMILY = Family("gradle", ("gradle",), _stand_in)
