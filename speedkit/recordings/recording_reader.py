"""Makes a `Build` of a recording. Needs no engine."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from speedkit.dockerfile import Dockerfile, read_dockerfile
from speedkit.errors import DockerfileError, RecordingError
from speedkit.messages import message
from speedkit.model import AppAnswer, Base, Build, ImageLayer, Step

from .log_limit import limited
from .rawjson import Solve, read_rawjson
from .recording import Meta, Recording
from .steps import derive_steps

__all__ = ["assemble_build", "read_build"]

CLOCKS_DIFFER_SECONDS = 60.0
"""A step that two builds share may have begun before one of them. A larger difference comes from a clock that was set."""


def read_build(recording: Recording) -> Build:
    """The build that a recording holds.

    Raises: RecordingError when a part of it is damaged.
    """
    solve = read_rawjson(limited(recording.lines()))
    return assemble_build(recording.meta, solve, recording.dockerfile, image=recording.image, recording=recording)


def assemble_build(
    meta: Meta,
    solve: Solve,
    dockerfile_text: str,
    *,
    image: dict[str, Any] | None = None,
    recording: Recording | None = None,
    now: float | None = None,
    with_logs: bool = True,
) -> Build:
    """A build from its parts. now: for a build that still runs, the time by the daemon's clock, in seconds since the epoch."""
    steps = derive_steps(
        _parse(dockerfile_text),
        solve,
        outcome=meta.outcome,
        build_args=meta.build_args,
        target=meta.target,
        bases=meta.bases,
        lines=meta.vertex_lines,
        platform=meta.platform,
        replaced=meta.options.get("named_contexts", ()),
        now=now,
        with_logs=with_logs,
    )
    return Build(
        id=meta.id,
        app=meta.app,
        strategy=meta.strategy,
        edit=meta.edit,
        started_at=meta.started_at,
        seconds=meta.seconds,
        outcome=meta.outcome,
        exit_code=meta.exit_code,
        dockerfile=dockerfile_text,
        step_list=steps if meta.outcome == "running" else tuple(_within(step, meta.seconds) for step in steps),
        **_image_facts(image),
        bases=tuple(
            Base(
                name,
                str(facts.get("used")),
                bool(facts.get("stand_in")),
                str(facts.get("made_of") or ""),
                bool(facts.get("replaced")),
            )
            for name, facts in meta.bases.items()
        ),
        answer=AppAnswer(bool(meta.answer.get("ok")), str(meta.answer.get("said"))) if meta.answer else None,
        error=meta.error,
        notices=tuple(map(str, meta.notices)),
        replaced_frontend=meta.replaced_frontend,
        isolated=meta.isolation is not None,
        folder=recording.folder if recording else None,
    )


def _within(step: Step, seconds: float) -> Step:
    """A step that lasts no longer than its build.

    The build's seconds are by a clock that only grows. A step's are by the engine's clock, which may be set meanwhile.
    """
    latest = seconds + CLOCKS_DIFFER_SECONDS
    if step.seconds <= latest and (step.started_seconds is None or step.started_seconds <= latest):
        return step
    started = None if step.started_seconds is None else min(step.started_seconds, seconds)
    return replace(step, seconds=min(step.seconds, seconds - (started or 0.0)), started_seconds=started)


# A running build is shown ten times a second, and its Dockerfile stays the same.
@lru_cache(maxsize=16)
def _parse(text: str) -> Dockerfile | None:
    try:
        return read_dockerfile(text)
    except DockerfileError:
        return None


def _image_facts(image: dict[str, Any] | None) -> dict[str, Any]:
    """The fields of a build that come from its image; only the id of an image that could not be described.

    Raises: RecordingError.
    """
    if image is None:
        return {}
    if image.keys() == {"id"}:
        return {"image": str(image["id"])}
    try:
        layers = tuple(
            ImageLayer(str(layer["command"]), int(layer["size_bytes"]), bool(layer["from_base"])) for layer in image["layers"]
        )
        return {"image": str(image["id"]), "image_bytes": int(image["size_bytes"]), "layers": layers}
    except (KeyError, TypeError, ValueError):
        raise RecordingError(message("image.json of a recording is not what speedkit writes.")) from None
