"""Reads the tags of official images, such as `1.26-alpine3.22` or `3.12-slim`: version, distribution, size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["SUITES_OF_UBUNTU", "SUITE_OF_VERSION", "System", "Tag", "major_and_minor", "read_tag"]

System = Literal["debian", "alpine"]

SUITE_OF_VERSION = {"10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"}
"""Debian's releases: https://wiki.debian.org/DebianReleases"""
SUITES = frozenset({*SUITE_OF_VERSION.values(), "stretch", "sid"})
SUITES_OF_UBUNTU = {
    "focal": "bullseye",
    "20.04": "bullseye",
    "jammy": "bookworm",
    "22.04": "bookworm",
    "noble": "trixie",
    "24.04": "trixie",
}
"""The release of Debian that is nearest to one of Ubuntu, by the version of the C library."""
VERSION = re.compile(r"v?(\d+(?:[._+]\d+)*(?:(?:rc|beta|alpha|b|a)\d+)?)")
ALPINE = re.compile(r"alpine(\d+\.\d+)?")
NEWEST = frozenset({"latest", "lts", "current", "stable", "mainline", "edge"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag, read.

    version: "" for the newest. system: the distribution of the image. suite: Debian's release that the tag names, or the one
    nearest to a release of Ubuntu; None for a tag without any. is_slim: it has `slim`. other: all other words.
    """

    version: str
    system: System
    suite: str | None
    is_slim: bool
    other: tuple[str, ...]


def read_tag(tag: str) -> Tag:
    """The parts of a tag. Only its first word can be the version."""
    version, suite, other = "", None, []
    system: System = "debian"
    is_slim = False
    for number, word in enumerate(tag.split("-") if tag else ()):
        if ALPINE.fullmatch(word):
            system = "alpine"
        elif word == "slim":
            is_slim = True
        elif word in SUITES:
            suite = word
        elif word in SUITES_OF_UBUNTU and number:
            suite = SUITES_OF_UBUNTU[word]
        elif number == 0 and (match := VERSION.fullmatch(word)):
            version = match[1]
        elif number or word not in NEWEST:
            other.append(word)
    return Tag(version, system, suite, is_slim, tuple(other))


def major_and_minor(version: str) -> tuple[int, ...]:
    """The numbers of a version, for comparisons: `(3, 9, 10)` of `3.9.10`."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
