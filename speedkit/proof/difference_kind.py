"""How two versions of a file differ, where their bytes show it: only in a time, a build ID, or the order of lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from speedkit.messages import marked

__all__ = ["DIFFERENCE_KINDS", "DifferenceKind", "difference_kind"]

DifferenceKind = Literal["", "build-id", "numbers", "order", "python-time"]
DIFFERENCE_KINDS: dict[DifferenceKind, str] = {
    "build-id": marked("only Go's build ID differs"),
    "numbers": marked("only numbers differ, such as a time"),
    "order": marked("the same lines in another order"),
    "python-time": marked("compiled Python holds the time of its source"),
}

GO_BUILD_ID = re.compile(rb"[\w-]{20}/[\w-]{20}/[\w-]{20}/[\w-]{20}")
"""The form that Go's linker writes: two hashes of inputs, and two of outputs (cmd/go/internal/work/buildid.go)."""
NUMBER = re.compile(rb"[0-9]+")
PYC_MAGIC_END = b"\r\n"
PYC_HEADER = 16
"""Magic, flags, time and size of the source (PEP 552)."""


def difference_kind(before: bytes, after: bytes) -> DifferenceKind:
    """The kind of a difference between two contents; "" where it is none of the usual ones."""
    # The first two bytes of the magic number are the version of Python; the other two are always a line end.
    if before[2:4] == after[2:4] == PYC_MAGIC_END and before[PYC_HEADER:] == after[PYC_HEADER:]:
        return "python-time"
    # From the narrowest to the widest: two files that differ in a build ID also differ in numbers.
    ways: tuple[tuple[DifferenceKind, Callable[[bytes], object]], ...] = (
        ("build-id", lambda content: GO_BUILD_ID.sub(b"", content)),
        ("numbers", lambda content: NUMBER.sub(b"", content)),
        ("order", lambda content: sorted(content.splitlines())),
    )
    return next((kind for kind, reduced in ways if reduced(before) == reduced(after)), "")
