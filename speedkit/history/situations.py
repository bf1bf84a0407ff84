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
from speedkit.recordings.recording import Recording

__all__ = ["earlier_than", "situation_now", "situation_of"]

REMEMBERED = 40
"""How many earlier builds a forecast looks back on."""


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


def earlier_than(recording: Recording | None, *, isolation: str | None, folder: str) -> list[tuple[Recording, Situation]]:
    """The builds whose results a builder may still hold for a build, oldest first, those that cannot be read left out.

    They are those that shared its cache: of the same isolation, or without one those of the same folder.
    """
    found = []
    for candidate in recordings():
        if recording is not None and candidate.meta.id >= recording.meta.id:
            break
        shares = candidate.meta.isolation == isolation and (isolation is not None or candidate.meta.folder == folder)
        if shares and candidate.meta.outcome != "broken":
            found.append(candidate)
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
