"""Recognises logs of builders that are neither BuildKit nor Docker's classic builder, so that a refusal can say whose they are.

In: the bytes of a log. Out: the name of the builder, by lines that it prints in every build:

- Buildah and Podman: `STEP 1/4: FROM alpine`, before version 1.21 of Buildah `STEP 1: FROM alpine`, and for one of several
  stages `[1/2] STEP 1/4: FROM alpine`. Source: https://github.com/containers/buildah, imagebuildah/stage_executor.go.
- kaniko: `INFO[0001] Executing 0 build triggers`.
  Source: https://github.com/GoogleContainerTools/kaniko, pkg/executor/build.go.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from .log_lines import PREFIX, read_blocks

__all__ = ["other_builder"]

# Looking for a text is a hundred times as quick as looking for an expression, so the text comes first.
_MARKS = (
    ("Buildah (podman build)", b": FROM ", re.compile(rb"\n" + PREFIX + rb"STEP [0-9]{1,4}(?:/[0-9]{1,4})?: FROM ")),
    ("kaniko", b" build triggers", re.compile(rb"INFO(?:\x1b\[0m)?\[[0-9]{4,6}\] Executing [0-9]{1,4} build triggers")),
)


def other_builder(stream: BinaryIO) -> str | None:
    """The builder that a log is of; None where it is of none that is known."""
    for block in read_blocks(stream):
        for name, text, mark in _MARKS:
            if text in block.data and mark.search(block.data):
                return name
    return None
