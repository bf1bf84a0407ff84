"""Which earlier builds count for a build: those of the same folder and cache, and others that share results with it.

A builder does not know folders: any Dockerfile finds the results that another one left in the cache. Two private caches differ
in their base images only, so another build counts when it started from the same layers, or from none (scratch). It also counts
when its folder has the same name, because BuildKit keeps the files of a build context by that name
(docs/buildkit-cache-rules.md, "What BuildKit does not notice").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import Any

from speedkit.cache import Situation
from speedkit.errors import DockerfileError, RecordingError
from speedkit.recordings import Recording

from .find_builds import recordings
from .situations import lineage_of, situation_of

__all__ = ["Past", "earlier_builds", "other_builders", "own_past", "past_of"]

REMEMBERED = 40
REMEMBERED_ELSEWHERE = 200
"""How many earlier builds a forecast reads, of the folder itself and of others."""

ENGINE_BUILDER = "default"
"""The name in buildx of the builder inside the engine."""

BASELESS = ("scratch", "--link")
"""Words of a Dockerfile in which a result needs no base image."""

Facts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Past:
    """The earlier builds that count for a build.

    situations: of all of them, oldest first. own: the recordings of those with the same folder and cache.
    """

    situations: tuple[Situation, ...]
    own: tuple[Recording, ...]

    @property
    def last(self) -> Recording | None:
        return self.own[-1] if self.own else None


def earlier_builds(before: Recording | None = None) -> list[Recording]:
    """All recordings, or those before one of them, oldest first; without builds whose engine went away."""
    return [
        recording
        for recording in recordings()
        if recording.meta.outcome != "broken" and (before is None or recording.meta.order < before.meta.order)
    ]


def own_past(
    earlier: Sequence[Recording], *, isolation: str | None, folder: str, builder: str | None = None
) -> list[Recording]:
    """The earlier builds of one folder, with one cache, by one builder; oldest first.

    builder: None means the builder inside the engine.
    """
    lineage, builder = lineage_of(isolation, folder), builder or ENGINE_BUILDER
    own = [recording for recording in earlier if _builder(recording) == builder and _lineage(recording) == lineage]
    return own[-REMEMBERED:]


def past_of(
    earlier: Sequence[Recording],
    own: Sequence[Recording],
    *,
    folder: str,
    dockerfile: str,
    bases: Facts,
    builder: str | None = None,
    recording: Recording | None = None,
) -> Past:
    """The earlier builds that count for a build: of its own folder and cache, and others. Unreadable recordings are left out.

    own: as `own_past` gives it. dockerfile, bases: the text and the base images of the build. builder: the one that makes the
    build; None is the one inside the engine. recording: of the build, when it is already made.
    """
    # The engine is not asked: its identity is in the build's own recording, or in that of the last build here.
    machine = (recording or own[-1]).meta.machine if recording or own else {}
    builder = builder or ENGINE_BUILDER
    own_ids = {recording.meta.id for recording in own}
    steps = _steps_of(dockerfile)
    layers = {tuple(base.get("layers") or ()) for base in bases.values()}
    # The newest first: the limit for other builds should leave out the oldest.
    elsewhere = (
        other
        for other in reversed(earlier)
        if other.meta.id not in own_ids
        and _builder(other) == builder
        and _same_engine(other.meta.machine, machine)
        and (PurePath(other.meta.folder).name == PurePath(folder).name or _shares_steps(other, layers, steps))
    )
    # BuildKit's copy of a build context is what the last of these builds made of it, so their order counts.
    in_order = sorted([*own, *islice(elsewhere, REMEMBERED_ELSEWHERE)], key=lambda earlier_build: earlier_build.meta.order)
    readable = _readable(in_order)
    return Past(
        tuple(situation for _, situation in readable),
        tuple(earlier_build for earlier_build, _ in readable if earlier_build.meta.id in own_ids),
    )


def other_builders(earlier: Sequence[Recording], recording: Recording) -> dict[str, list[Situation]]:
    """The earlier builds of the same folder and cache by other builders, oldest first, by the builder's name."""
    by_builder: dict[str, list[Recording]] = {}
    for one in earlier:
        if _lineage(one) == _lineage(recording):
            by_builder.setdefault(_builder(one), []).append(one)
    by_builder.pop(_builder(recording), None)
    return {name: [situation for _, situation in _readable(builds[-REMEMBERED:])] for name, builds in by_builder.items()}


def _lineage(recording: Recording) -> str:
    return lineage_of(recording.meta.isolation, recording.meta.folder)


def _builder(recording: Recording) -> str:
    return recording.meta.builder or ENGINE_BUILDER


def _same_engine(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two builds ran on one engine. Recordings of older versions do not name it, and count as of the same one."""
    names = [machine.get("engine_id") for machine in (one, other)]
    return None in names or names[0] == names[1]


def _shares_steps(other: Recording, layers: set[tuple[str, ...]], steps: set[str]) -> bool:
    """Whether another build has an instruction in common, and the same base layers or steps that need no base image."""
    try:
        common = steps & _steps_of(other.dockerfile)
    except RecordingError:
        return False
    same_layers = any(tuple(base.get("layers") or ()) in layers for base in other.meta.bases.values())
    return bool(common) and (same_layers or any(word in other.dockerfile for word in BASELESS))


def _steps_of(dockerfile: str) -> set[str]:
    """The first lines of the instructions that BuildKit runs, in small letters and with single spaces.

    Not parsed, since a forecast looks at hundreds of Dockerfiles: one build too many changes no forecast.
    """
    lines = (" ".join(line.split()).lower() for line in dockerfile.split("\n"))
    return {line for line in lines if line.startswith(("run ", "copy ", "add ", "workdir "))}


def _readable(earlier_builds: Iterable[Recording]) -> list[tuple[Recording, Situation]]:
    """Recordings with their situations; without those that cannot be read."""
    readable = []
    for recording in earlier_builds:
        with suppress(RecordingError, DockerfileError):
            readable.append((recording, situation_of(recording)))
    return readable
