"""Turns recordings, and an app as it is now, into what a forecast is made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from speedkit.apps import App, Strategy
from speedkit.context import Manifest, read_context
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError, RecordingError
from speedkit.experiment.building import dockerfile_text
from speedkit.forecast import BaseImage, Situation
from speedkit.history.finding import recordings
from speedkit.model import Build
from speedkit.recordings.reading import read_build
from speedkit.recordings.recording import Meta, Recording

__all__ = ["earlier_than", "other_builders", "situation_now", "situation_of"]

REMEMBERED = 40
"""How many earlier builds a forecast looks back on."""
ENGINES_OWN = "default"
"""What buildx calls the builder that the engine has inside."""


def situation_of(recording: Recording, build: Build | None = None) -> Situation:
    """What a recorded build was given, and what became of its steps.

    Raises: RecordingError, DockerfileError.
    """
    found = build or read_build(recording)
    meta = recording.meta
    return Situation(
        dockerfile=read_dockerfile(recording.dockerfile),
        context=recording.context,
        build_args=meta.build_args,
        target=meta.target,
        bases=_bases(meta.bases),
        folder=meta.folder,
        states={step.line: step.state for step in found.instructions if step.line is not None},
        merge=_merges(meta.machine),
    )


def situation_now(
    app: App,
    strategy: Strategy,
    last: Recording | None,
    *,
    build_args: Mapping[str, str],
    target: str | None,
    known: Manifest | None = None,
) -> Situation:
    """What a build would be given now. The base images are taken to be those of the last build.

    known: an earlier manifest; files of unchanged size and time are not read again.
    Raises: DockerfileError.
    """
    text = dockerfile_text(strategy.dockerfile)
    seen = known or (last.context if last else None)
    return Situation(
        dockerfile=read_dockerfile(text),
        context=read_context(app.folder, dockerfile=strategy.dockerfile, known=seen),
        build_args=dict(build_args),
        target=target,
        bases=_bases(last.meta.bases) if last else {},
        folder=str(app.folder),
        merge=_merges(last.meta.machine) if last else False,
    )


def earlier_than(
    recording: Recording | None, *, isolation: str | None, folder: str, builder: str | None = None
) -> list[tuple[Recording, Situation]]:
    """The builds whose results a builder may still hold for a build, oldest first, those that cannot be read left out.

    They are those that shared its cache: of the same builder and isolation, or without one those of the same folder.
    builder: None is the engine's own.
    """
    found = _before(recording, isolation=isolation, folder=folder)
    return _readable_ones([one for one in found if (one.meta.builder or ENGINES_OWN) == (builder or ENGINES_OWN)])


def other_builders(recording: Recording) -> dict[str, list[Situation]]:
    """What builders other than that of a recorded build had built by then, oldest first, by the name of the builder."""
    meta = recording.meta
    found: dict[str, list[Recording]] = {}
    for one in _before(recording, isolation=meta.isolation, folder=meta.folder):
        found.setdefault(one.meta.builder or ENGINES_OWN, []).append(one)
    found.pop(meta.builder or ENGINES_OWN, None)
    return {name: [situation for _, situation in _readable_ones(builds)] for name, builds in found.items()}


def _before(recording: Recording | None, *, isolation: str | None, folder: str) -> list[Recording]:
    """The recordings of one cache, oldest first, up to one of them; all when that is None."""

    def shares(meta: Meta) -> bool:
        return meta.isolation == isolation and (isolation is not None or meta.folder == folder) and meta.outcome != "broken"

    end = recording.meta.id if recording is not None else None
    return [one for one in recordings() if (end is None or one.meta.id < end) and shares(one.meta)]


def _readable_ones(found: list[Recording]) -> list[tuple[Recording, Situation]]:
    return [(one, situation) for one in found[-REMEMBERED:] if (situation := _readable(one))]


def _readable(recording: Recording) -> Situation | None:
    try:
        return situation_of(recording)
    except (RecordingError, DockerfileError):
        return None


def _bases(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, BaseImage]:
    return {
        name: BaseImage(
            layers=tuple(base.get("layers") or ()),
            environment=tuple(base.get("environment") or ()),
            workdir=str(base.get("workdir") or ""),
            user=str(base.get("user") or ""),
            shell=tuple(base.get("shell") or ()),
            on_build=tuple(base.get("on_build") or ()),
            configuration=str(base.get("id") or ""),
        )
        for name, base in facts.items()
    }


def _merges(machine: Mapping[str, Any]) -> bool:
    """Whether the engine makes `COPY --link` a layer of its own: the containerd image store does."""
    return "overlayfs" in str(machine.get("storage_driver", ""))
