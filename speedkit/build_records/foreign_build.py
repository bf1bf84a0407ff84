"""A build that was made elsewhere, as one record of it has it.

In: whatever a reader of records (a `.dockerbuild`, a log) took from its file. Out: the same facts for every kind of record. The
progress is kept as `docker buildx build --progress=rawjson` prints it, so that the steps of a foreign build and those of a
build of the kit are made by the same code (`speedkit.recordings`).

`steps` and `cached_steps` are the record's own count, and not the kit's: `numTotalSteps` and `numCachedSteps` of a history
record, all `#N` of a plain log, `Step i/n` of a classic log. A figure that a record does not have is None, and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["TEXT_LENGTH", "ForeignBuild", "NotUnderstood", "Outcome", "RecordKind"]

RecordKind = Literal["dockerbuild", "rawjson", "plain log", "classic log", "buildx history"]
Outcome = Literal["done", "failed", "cancelled"]

TEXT_LENGTH = 200
"""How many characters of a place that was not understood are kept."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A place of a record that could not be read.

    line: the 1-based line of the file; 0 for a binary record. text: at most 200 characters of it.
    """

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class ForeignBuild:
    """One build of a record.

    status_lines: the progress, a `SolveStatus` of BuildKit on each line (`{"vertexes": […]}`), as bytes that end with a line's
    end; within the limits of `speedkit.recordings.LogLimit`, so that they fit into memory. A log without digests has made-up
    ones. A log without times has spans from its durations alone.
    steps, cached_steps: as the record counts them. seconds: None where the record has no time of the build.
    outcome: None where the record ends before the build does. lacks_first_steps: it begins after the build does.
    started: seconds since the epoch; None where the record has no date. reference: the name that BuildKit gave the build; None
    in logs.
    dockerfile: the text, where the record has it. folder: the build context, on the machine that asked for the build.
    commit, repository: of the sources that were built. context_path, dockerfile_path: the folders in that repository that
    hold the build context and the Dockerfile. bases: the digest of each base image, by its name in the Dockerfile.
    build_args, named_contexts, labels, cache_from: as the record has them.
    vertex_lines: the lines of the Dockerfile of each vertex, by its digest.
    """

    kind: RecordKind
    status_lines: tuple[bytes, ...] = field(repr=False)
    steps: int
    cached_steps: int
    seconds: float | None
    not_understood: tuple[NotUnderstood, ...] = ()
    outcome: Outcome | None = "done"
    lacks_first_steps: bool = False
    error: str | None = None
    started: float | None = None
    reference: str | None = None
    dockerfile: str | None = field(default=None, repr=False)
    dockerfile_name: str | None = None
    folder: str | None = None
    commit: str | None = None
    repository: str | None = None
    context_path: str | None = None
    dockerfile_path: str | None = None
    target: str | None = None
    platform: str | None = None
    bases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    build_args: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    named_contexts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    cache_from: tuple[str, ...] = ()
    vertex_lines: Mapping[str, list[list[int]]] = field(default_factory=lambda: MappingProxyType({}), repr=False)
