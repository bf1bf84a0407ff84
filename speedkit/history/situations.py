"""Turns recordings, and an app as it is now, into a `Situation`, the input of a forecast."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from speedkit.apps import App, Strategy
from speedkit.builders import BaseRequest, Builder
from speedkit.builds import dockerfile_text, options_of
from speedkit.cache import BaseImage, NamedContext, Situation
from speedkit.context import Manifest, read_context
from speedkit.dockerfile import Dockerfile, read_dockerfile
from speedkit.engine import NO_OPTIONS, CommandOptions, agent_ids, read_secrets, unset_secrets
from speedkit.errors import SpeedkitError
from speedkit.model import Build
from speedkit.recordings import Recording, Redaction, read_build, redaction_of

__all__ = ["base_facts", "lineage_of", "situation_now", "situation_of"]


def lineage_of(isolation: str | None, folder: str) -> str:
    """A name for the builds that a person compares with each other: those of one private cache, or else of one folder."""
    return f"folder {folder}" if isolation is None else f"cache {isolation}"


def situation_of(recording: Recording, build: Build | None = None) -> Situation:
    """The inputs of a recorded build, and the states of its steps.

    build: as `read_build` gives it for the recording, where it was read before.
    Raises: RecordingError, DockerfileError.
    """
    build = build or read_build(recording)
    meta, dockerfile = recording.meta, read_dockerfile(recording.dockerfile)
    return Situation(
        dockerfile=dockerfile,
        context=recording.context,
        build_args=meta.build_args,
        target=meta.target,
        bases=_bases(meta.bases),
        folder=meta.folder,
        # A trigger stands on the line of its FROM, so its line alone does not name it.
        states={step.line: step.state for step in build.instructions if step.line is not None and not step.triggered},
        errors={step.line: step.error for step in build.instructions if step.line and step.error and not step.triggered},
        triggers={(step.line, step.instruction): step.state for step in build.instructions if step.line and step.triggered},
        finished=meta.outcome == "done",
        lineage=lineage_of(meta.isolation, meta.folder),
        merge=_merges(meta.machine),
        **_of_options(options_of(meta), dockerfile, recording.named_contexts, _bases(meta.bases)),
        secrets=frozenset(map(str, meta.options.get("secrets", ()))),
        agents=frozenset(map(str, meta.options.get("ssh", ()))),
    )


def base_facts(builder: Builder | None, request: BaseRequest, own: Sequence[Recording]) -> dict[str, dict[str, Any]]:
    """Facts of the base images that a build would start from now.

    builder: asked which images it has. For images that it does not have, and when no builder answers, the facts are those in
    the recordings of earlier builds. own: these recordings, oldest first.
    """
    recorded = {name: base for recording in own for name, base in recording.meta.bases.items()}
    if builder is None:
        return recorded
    try:
        # Recordings are without secrets, and so must be what is compared with them.
        current = Redaction({}, {}).base_facts(builder.bases_now(request, recorded))
    except SpeedkitError:
        return recorded
    gone = {name: recorded[name] | base for name, base in current.items() if base.get("gone") and name in recorded}
    return recorded | {name: base for name, base in current.items() if not base.get("gone")} | gone


def situation_now(
    app: App,
    strategy: Strategy,
    last: Recording | None,
    *,
    context: Manifest,
    isolation: str | None,
    build_args: Mapping[str, str],
    target: str | None,
    bases: Mapping[str, Mapping[str, Any]],
    options: CommandOptions = NO_OPTIONS,
) -> Situation:
    """The inputs of a build that would be made now.

    last: the recording of the build before. bases: as `base_facts` gives them. options: as `checked_options` gives them.
    Raises: DockerfileError; what `read_context` raises, of a named context that is a folder.
    """
    text = dockerfile_text(strategy.dockerfile)
    redaction = redaction_of(build_args, os.environ, text)
    # Recordings are without secrets, and so must be what is compared with them.
    dockerfile = read_dockerfile(redaction.text(text))
    kept_options = replace(
        options, named_contexts={name: redaction.text(source) for name, source in options.named_contexts.items()}
    )
    manifests = {name: read_context(folder, dockerfile=None) for name, folder in options.folders.items()}
    return Situation(
        dockerfile=dockerfile,
        context=context,
        build_args=redaction.build_args(build_args),
        target=target,
        bases=_bases(bases),
        folder=str(app.folder),
        products=app.products if strategy.host_commands else frozenset(),
        lineage=lineage_of(isolation, str(app.folder)),
        merge=_merges(last.meta.machine) if last else False,
        **_of_options(kept_options, dockerfile, manifests, _bases(bases)),
        secrets=frozenset(read_secrets(options.secrets, app.folder)) - unset_secrets(options),
        agents=agent_ids(options),
    )


def _of_options(
    options: CommandOptions, dockerfile: Dockerfile, manifests: Mapping[str, Manifest], bases: Mapping[str, BaseImage]
) -> dict[str, Any]:
    """The fields of a situation that come from options. manifests: of the named contexts that are folders."""
    contexts: dict[str, NamedContext] = {
        name: manifests[name] if name in manifests else bases.get(name, source)
        for name, source in options.named_contexts.items()
        # An image in place of another image is one of the bases.
        if name not in options.images or dockerfile.stage_index(name) is not None
    }
    return {"contexts": contexts, "options": options.of_runs, **({"platform": options.platform} if options.platform else {})}


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
            gone=bool(base.get("gone")),
            platform=str(base.get("platform") or ""),
        )
        for name, base in facts.items()
    }


def _merges(machine: Mapping[str, Any]) -> bool:
    """Whether the engine can merge layers, so that `COPY --link` stands alone: the containerd image store can."""
    return "overlayfs" in str(machine.get("storage_driver", ""))
