"""What was built before and may count for a build: in the same folder and cache, and elsewhere where results are shared.

A builder knows no folders: what one Dockerfile left in the cache, another one finds. A private cache only differs in its
base images, so a build elsewhere counts when it started from the same layers, or from none at all (scratch). It counts
too when its folder has the same name, because that is how BuildKit tells one build context from another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from speedkit.errors import DockerfileError, RecordingError
from speedkit.forecast import Situation
from speedkit.history.finding import recordings
from speedkit.history.situations import lineage_of, situation_of
from speedkit.recordings.recording import Meta, Recording

__all__ = ["Past", "other_builders", "own_past", "past_of"]

REMEMBERED = 40
REMEMBERED_ELSEWHERE = 200
"""How many earlier builds a forecast looks back on, in the folder itself and elsewhere."""

ENGINES_OWN = "default"
"""What buildx calls the builder that the engine has inside."""

Facts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Past:
    """situations: oldest first. own: the recordings among them that have the same folder and cache."""

    situations: tuple[Situation, ...]
    own: tuple[Recording, ...]

    @property
    def last(self) -> Recording | None:
        return self.own[-1] if self.own else None


def own_past(*, isolation: str | None, folder: str, before: Recording | None = None) -> list[Recording]:
    """The builds of a folder with one cache, oldest first.

    before: only those before this one, by the same builder; None takes those of the engine's own builder.
    Builds that ended with the engine are left out.
    """
    lineage = lineage_of(isolation, folder)
    return [found for found in _usable(before) if lineage_of(found.meta.isolation, found.meta.folder) == lineage][-REMEMBERED:]


def past_of(own: Sequence[Recording], *, folder: str, dockerfile: str, bases: Facts, before: Recording | None = None) -> Past:
    """The past of a build: its own, and what was built elsewhere and may count. Recordings that cannot be read are left out.

    dockerfile, bases: the text and the base images that the build has.
    """
    steps = _steps_of(dockerfile)
    machine = (before or own[-1]).meta.machine if before or own else {}
    ids = {found.meta.id for found in own}
    layers = {tuple(base.get("layers") or ()) for base in bases.values()}
    elsewhere = [
        found
        for found in _usable(before)
        if found.meta.id not in ids
        and _same_engine(found.meta.machine, machine)
        and (_same_name(found.meta, folder) or _shares_steps(found, layers, steps))
    ]
    chosen = sorted([*own, *elsewhere[-REMEMBERED_ELSEWHERE:]], key=lambda found: found.meta.id)
    readable = [(found, situation) for found in chosen if (situation := _readable(found))]
    return Past(
        tuple(situation for _, situation in readable),
        tuple(found for found, _ in readable if found.meta.id in ids),
    )


def other_builders(recording: Recording) -> dict[str, list[Situation]]:
    """What builders other than that of a recorded build had built of it by then, oldest first, by the builder's name."""
    lineage = lineage_of(recording.meta.isolation, recording.meta.folder)
    found: dict[str, list[Recording]] = {}
    for one in _earlier(recording):
        if lineage_of(one.meta.isolation, one.meta.folder) == lineage:
            found.setdefault(_builder(one), []).append(one)
    found.pop(_builder(recording), None)
    return {
        name: [situation for one in builds[-REMEMBERED:] if (situation := _readable(one))] for name, builds in found.items()
    }


def _usable(before: Recording | None) -> list[Recording]:
    builder = ENGINES_OWN if before is None else _builder(before)
    return [found for found in _earlier(before) if _builder(found) == builder]


def _earlier(before: Recording | None) -> list[Recording]:
    found = (one for one in recordings() if before is None or one.meta.id < before.meta.id)
    return [one for one in found if one.meta.outcome != "broken"]


def _builder(recording: Recording) -> str:
    return recording.meta.builder or ENGINES_OWN


def _same_engine(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Recordings of older versions do not tell the engine, and are taken to be of the same."""
    names = [machine.get("engine_id") for machine in (one, other)]
    return None in names or names[0] == names[1]


def _same_name(meta: Meta, folder: str) -> bool:
    return PurePath(meta.folder).name == PurePath(folder).name


def _shares_steps(found: Recording, layers: set[tuple[str, ...]], steps: set[str]) -> bool:
    """It started from the same layers, or from scratch, and has an instruction in common."""
    try:
        common = steps & _steps_of(found.dockerfile)
    except RecordingError:
        return False
    same_layers = any(tuple(base.get("layers") or ()) in layers for base in found.meta.bases.values())
    return bool(common) and (same_layers or "scratch" in found.dockerfile)


def _steps_of(dockerfile: str) -> set[str]:
    """The first lines of what BuildKit runs, folded."""
    lines = (" ".join(line.split()).lower() for line in dockerfile.splitlines())
    return {line for line in lines if line.startswith(("run ", "copy ", "add ", "workdir "))}


def _readable(recording: Recording) -> Situation | None:
    try:
        return situation_of(recording)
    except (RecordingError, DockerfileError):
        return None
