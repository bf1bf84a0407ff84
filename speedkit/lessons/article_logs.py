"""The two builds whose logs the article prints, beside a build of the reader's own.

The article shows what a change costs with two logs of the classic builder: one of the Dockerfile with plain stages, one of the
Dockerfile whose downloads come first. Here is what these logs show, in the same format, and without what this course does not
use: containers, images and their ids. They are read as every other log of that builder is.
Source: the article's logs of gin v1.7.7, each made after the same change.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from speedkit.build_records import read_text_log
from speedkit.measurements import edit_words
from speedkit.messages import Labels, marked, message
from speedkit.model import Build
from speedkit.recordings import read_rawjson
from speedkit.rendering import Table

from .go_downloads import downloads

__all__ = ["beside_the_article"]

NAIVE_LOG = b"""\
Step 1/8 : FROM golang:alpine as builder
Step 2/8 : WORKDIR /workspace
 ---> Using cache
Step 3/8 : ENV GOPROXY
Step 4/8 : COPY . /workspace
Step 5/8 : RUN CGO_ENABLED=0 go build -o speedup
Step 6/8 : FROM alpine
Step 7/8 : COPY --from=builder
 ---> Using cache
Step 8/8 : ENTRYPOINT
 ---> Using cache
Successfully built 194daff60077
"""
OPTIMIZED_LOG = b"""\
Step 1/11 : FROM golang:alpine as builder
Step 2/11 : WORKDIR /workspace
 ---> Using cache
Step 3/11 : ENV GOPROXY
 ---> Using cache
Step 4/11 : COPY go.mod
 ---> Using cache
Step 5/11 : COPY go.sum
 ---> Using cache
Step 6/11 : RUN go mod download
 ---> Using cache
Step 7/11 : COPY . /workspace
Step 8/11 : RUN CGO_ENABLED=0 go build -o speedup
Step 9/11 : FROM alpine
Step 10/11 : COPY --from=builder
Step 11/11 : ENTRYPOINT
Successfully built 194daff60077
"""


@dataclass(frozen=True, slots=True)
class _ArticleBuild:
    """A build of the article. modules: how many of them its log names as downloaded."""

    name: str
    log: bytes
    modules: int


ARTICLE = (
    _ArticleBuild(marked("naive, in the article"), NAIVE_LOG, 12),
    _ArticleBuild(marked("optimized, in the article"), OPTIMIZED_LOG, 0),
)
HEADS = Labels(
    {
        "build": marked("build"),
        "ran": marked("ran"),
        "cached": marked("cached"),
        "modules": marked("modules downloaded"),
    }
)


def beside_the_article(*builds: Build) -> Table:
    """A row for each of the article's two builds and of the reader's: which instructions ran, and what was downloaded.

    No row has seconds, since the article's logs have none. An image that was there counts as cached, in each of them.
    """
    import pandas as pd

    rows = [(message(one.name), *_ran_and_cached(_read(one.log)), one.modules) for one in ARTICLE]
    for build in builds:
        steps = [(step.instruction, step.cached) for step in build.instructions if step.cached or step.ran]
        name = message("{strategy}, {edit}, yours", strategy=build.strategy, edit=edit_words(build.edit))
        rows.append((name, *_ran_and_cached(steps), len(downloads(build))))
    table = pd.DataFrame(rows, columns=["build", "ran", "cached", "modules"])
    return Table(table, lambda column, _: "sk-whole" if column in ("ran", "cached") else "", HEADS)


def _read(log: bytes) -> list[tuple[str, bool]]:
    """The instructions of a log, each with whether it was cached."""
    (build,) = read_text_log(io.BytesIO(log))
    vertices = read_rawjson(build.status_lines).vertices.values()
    return [(vertex.name.partition("] ")[2], vertex.cached) for vertex in vertices]


def _ran_and_cached(steps: Sequence[tuple[str, bool]]) -> tuple[str, str]:
    ran = ", ".join(instruction for instruction, cached in steps if not cached)
    return ran or "–", ", ".join(instruction for instruction, cached in steps if cached) or "–"
