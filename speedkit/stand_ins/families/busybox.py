"""busybox: Debian's busybox and the C library, and nothing else."""

from __future__ import annotations

from ..family import Family
from ..recipe import StandIn, TextFile, UnpackedPackages
from ..tags import Tag
from .debian import PATH, debian

__all__ = ["FAMILY"]

ACCOUNTS = (
    TextFile("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"),
    TextFile("/etc/group", "root:x:0:\nnobody:x:65534:\n"),
    TextFile("/etc/nsswitch.conf", "hosts: files dns\n"),
)
LIBRARIES = frozenset({"glibc", "musl", "uclibc"})


def _stand_in(image: str, tag: Tag) -> StandIn | None:  # noqa: ARG001
    if not set(tag.other) <= LIBRARIES:
        return None
    parts = (UnpackedPackages(("busybox", "libc6"), debian(None)), *ACCOUNTS)
    return StandIn("busybox:latest", None, parts, {"PATH": PATH}, command=("sh",))


FAMILY = Family("busybox", ("busybox",), _stand_in)
