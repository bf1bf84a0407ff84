"""What was built before and may count for a build: in the same folder and cache, and elsewhere where results are shared.

A builder knows no folders: what one Dockerfile left in the cache, another one finds. A private cache only differs in its
base images, so a build elsewhere counts when it started from the same layers, or from none at all (scratch). It counts
too when its folder has the same name, because that is how BuildKit tells one build context from another.
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
from speedkit.recordings import Meta, Recording

from .find_builds import recordings
from .situations import lineage_of, situation_of

__all__ = ["Past", "earlier_builds", "other_builders", "own_past", "past_of"]

REMEMBERED = 40
REMEMBERED_ELSEWHERE = 200
"""How many earlier builds a forecast looks back on, in the folder itself and elsewhere."""

ENGINES_OWN = "default"
"""What buildx calls the builder that the engine has inside."""

BASELESS = ("scratch", "--link")
"""What a Dockerfile says where a result does not rest on a base image."""

Facts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Past:
    """situations: oldest first. own: the recordings among them that have the same folder and cache."""

    situations: tuple[Situation, ...]
    own: tuple[Recording, ...]

    @property
    def last(self) -> Recording | None:
        return self.own[-1] if self.own else None


def earlier_builds(before: Recording | None = None) -> list[Recording]:
    """All recordings by now, or before one of them, oldest first; without builds that ended with the engine."""
    found = (one for one in recordings() if before is None or one.meta.order < before.meta.order)
    return [one for one in found if one.meta.outcome != "broken"]


def own_past(
    earlier: Sequence[Recording], *, isolation: str | None, folder: str, builder: str | None = None
) -> list[Recording]:
    """Those of the earlier builds that were made of a folder, with one cache, by one builder; oldest first.

    builder: None means the engine's own.
    """
    lineage = lineage_of(isolation, folder)
    return [found for found in earlier if _builder(found) == (builder or ENGINES_OWN) and _lineage(found) == lineage][
        -REMEMBERED:
    ]


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
    """The past of a build: its own, and what was built elsewhere and may count. Recordings that cannot be read are left out.

    own: as `own_past` gives it. dockerfile, bases: the text and the base images that the build has. builder: what makes it;
    None is the engine's own. recording: of the build, when it is one that was made.
    """
    machine = (recording or own[-1]).meta.machine if recording or own else {}
    makes_it = builder or ENGINES_OWN
    ids = {found.meta.id for found in own}
    steps = _steps_of(dockerfile)
    layers = {tuple(base.get("layers") or ()) for base in bases.values()}
    elsewhere = (
        found
        for found in reversed(earlier)
        if found.meta.id not in ids
        and _builder(found) == makes_it
        and _same_engine(found.meta.machine, machine)
        and (_same_name(found.meta, folder) or _shares_steps(found, layers, steps))
    )
    chosen = sorted([*own, *islice(elsewhere, REMEMBERED_ELSEWHERE)], key=lambda found: found.meta.order)
    readable = _readable(chosen)
    return Past(
        tuple(situation for _, situation in readable),
        tuple(found for found, _ in readable if found.meta.id in ids),
    )


def other_builders(earlier: Sequence[Recording], recording: Recording) -> dict[str, list[Situation]]:
    """What builders other than that of a recorded build had built of it by then, oldest first, by the builder's name."""
    found: dict[str, list[Recording]] = {}
    for one in earlier:
        if _lineage(one) == _lineage(recording):
            found.setdefault(_builder(one), []).append(one)
    found.pop(_builder(recording), None)
    return {name: [situation for _, situation in _readable(builds[-REMEMBERED:])] for name, builds in found.items()}


def _lineage(recording: Recording) -> str:
    return lineage_of(recording.meta.isolation, recording.meta.folder)


def _builder(recording: Recording) -> str:
    return recording.meta.builder or ENGINES_OWN


def _same_engine(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Recordings of older versions do not tell the engine, and are taken to be of the same."""
    names = [machine.get("engine_id") for machine in (one, other)]
    return None in names or names[0] == names[1]


def _same_name(meta: Meta, folder: str) -> bool:
    return PurePath(meta.folder).name == PurePath(folder).name


def _shares_steps(found: Recording, layers: set[tuple[str, ...]], steps: set[str]) -> bool:
    """It has an instruction in common, and started from the same layers or has steps that know no base."""
    try:
        common = steps & _steps_of(found.dockerfile)
    except RecordingError:
        return False
    same_layers = any(tuple(base.get("layers") or ()) in layers for base in found.meta.bases.values())
    return bool(common) and (same_layers or any(word in found.dockerfile for word in BASELESS))


def _steps_of(dockerfile: str) -> set[str]:
    """The first lines of what BuildKit runs, folded."""
    lines = (" ".join(line.split()).lower() for line in dockerfile.split("\n"))
    return {line for line in lines if line.startswith(("run ", "copy ", "add ", "workdir "))}


def _readable(found: Iterable[Recording]) -> list[tuple[Recording, Situation]]:
    """Recordings and what they say; those that cannot be read are left out."""
    readable = []
    for recording in found:
        with suppress(RecordingError, DockerfileError):
            readable.append((recording, situation_of(recording)))
    return readable
