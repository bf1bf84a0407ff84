"""The request for a build: everything that is decided before the build begins. Nothing here starts, asks or writes anything."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from speedkit.apps import App, Probe, Strategy
from speedkit.builders import SYNTAX_ARGUMENT, BaseRequest, BuildBases
from speedkit.dockerfile import without_frontend
from speedkit.engine import (
    NO_OPTIONS,
    BuildRequest,
    CommandOptions,
    agent_ids,
    our_labels,
    read_secrets,
    require_secrets,
    secret_values,
    unset_secrets,
)
from speedkit.recordings import Meta, Recording, Redaction, new_id

from .build_inputs import dockerfile_text, effective_build_args, options_for, refuse_private_file

__all__ = ["BuildOptions", "Request", "options_of", "request_for", "request_of"]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build, beyond which app and strategy.

    edit: the name of the edit in tables and in the history. isolation: a token; builds with equal tokens share a cache, and a
    new token starts cold. None shares the builder's cache. begun_as: the strategy that `App.begin` counts the build for; None
    for a build that it does not count. options: of the reader; in a `Request`, those of its strategy as well, and checked.
    """

    edit: str = "none"
    begun_as: str | None = None
    isolation: str | None = None
    target: str | None = None
    build_args: dict[str, str] = field(default_factory=dict)
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    options: CommandOptions = NO_OPTIONS


@dataclass(frozen=True, slots=True)
class Request:
    """The request for one build.

    app, source, folder, strategy, dockerfile, host_commands, probe, makes_stand_ins: as in `App` and `Strategy`. text: the
    Dockerfile's.
    arguments: the build args that BuildKit gets. These two still hold their secrets.
    """

    app: str
    source: Path
    folder: Path
    strategy: str
    dockerfile: Path
    host_commands: tuple[tuple[str, ...], ...]
    probe: Probe | None
    text: str
    options: BuildOptions
    arguments: Mapping[str, str]
    makes_stand_ins: bool = False

    @property
    def tag(self) -> str:
        """The name of the image."""
        return f"speedkit/{_image_name(self.app)}:{_image_name(self.strategy)}"

    @property
    def bases(self) -> BaseRequest:
        options = self.options
        return BaseRequest(self.text, self.arguments, options.target, options.isolation, options.options)

    def redaction(self) -> Redaction:
        """Takes the secrets of this build out of everything that is kept."""
        options = self.options.options
        # The address of a named context may hold a password, as that of a cache may.
        places = [*self.options.cache_from, *self.options.cache_to, *options.named_contexts.values()]
        values = {**options.labels, **self.arguments}
        return Redaction(values, os.environ, places, dockerfile=self.text, secret_values=secret_values(options))

    def for_buildx(self, bases: BuildBases, builder: str | None) -> BuildRequest:
        """The request in the terms of buildx. builder: its name in buildx; None is the one inside the engine."""
        arguments = dict(self.arguments)
        if self.options.isolation:
            # Isolated bases change the keys of steps, but not the ids of cache mounts: this makes those private as well.
            arguments.setdefault("BUILDKIT_CACHE_MOUNT_NS", self.options.isolation)
        text = None
        if bases.replaced_frontend is not None:
            # With the frontend named in either place, BuildKit would ask the registry again.
            arguments.pop(SYNTAX_ARGUMENT, None)
            text = without_frontend(self.text)
        options = self.options.options
        return BuildRequest(
            context=self.folder,
            dockerfile=self.dockerfile,
            dockerfile_text=text,
            target=self.options.target,
            build_args=arguments,
            # A base may take the place of an image that the user names as a context: a stand-in, or an isolated one.
            named_contexts={**options.named_contexts, **bases.named_contexts},
            labels={**options.labels, **our_labels()},
            tags=(self.tag, *options.tags),
            builder=builder,
            cache_from=self.options.cache_from,
            cache_to=self.options.cache_to,
            options=options,
        )

    def initial_meta(self, redaction: Redaction, *, number: int, builder: str | None) -> Meta:
        """The `Meta` of the recording as it is before the build begins. number: as `new_number` gives it."""
        options = self.options
        return Meta(
            id=new_id(self.strategy),
            number=number,
            app=self.app,
            source=str(self.source),
            folder=str(self.folder),
            strategy=self.strategy,
            edit=options.edit,
            started_at=datetime.now(UTC).isoformat(),
            seconds=0.0,
            outcome="running",
            exit_code=0,
            dockerfile_name=self.dockerfile.name,
            target=options.target,
            build_args=redaction.build_args(self.arguments),
            isolation=options.isolation,
            builder=builder,
            cache_from=[*map(redaction.cache_option, options.cache_from)],
            cache_to=[*map(redaction.cache_option, options.cache_to)],
            session=os.environ.get("SPEEDKIT_SESSION"),
            options=_recorded_options(options.options, redaction),
        )


def request_for(app: App, strategy: Strategy, options: BuildOptions) -> Request:
    """The request for a build of an app. options: the reader's; `options.options` need not be checked.

    Raises: NoDockerfile, FileRefused, Misuse for a secret or an SSH agent that is not there.
    """
    text = dockerfile_text(strategy.dockerfile)
    refuse_private_file(strategy.dockerfile, text, app.folder)
    options = replace(
        options,
        target=options.target or strategy.target,
        build_args={**strategy.build_args, **options.build_args},
        options=options_for(app, strategy, options.options),
    )
    require_secrets(options.options)
    return Request(
        app=app.name,
        source=app.source,
        folder=app.folder,
        strategy=strategy.name,
        dockerfile=strategy.dockerfile,
        host_commands=strategy.host_commands,
        probe=app.probe,
        text=text,
        options=options,
        arguments=effective_build_args(options.build_args),
        makes_stand_ins=app.makes_stand_ins,
    )


def request_of(recording: Recording) -> Request:
    """The request of a recorded build; without its secrets, its host commands and its probe, which no recording holds."""
    meta = recording.meta
    folder = Path(meta.folder)
    options = BuildOptions(
        edit=meta.edit,
        isolation=meta.isolation,
        target=meta.target,
        build_args=meta.build_args,
        cache_from=tuple(meta.cache_from),
        cache_to=tuple(meta.cache_to),
        options=options_of(meta),
    )
    return Request(
        app=meta.app,
        source=Path(meta.source),
        folder=folder,
        strategy=meta.strategy,
        dockerfile=folder / meta.dockerfile_name,
        host_commands=(),
        probe=None,
        text=recording.dockerfile,
        options=options,
        arguments=meta.build_args,
    )


def _recorded_options(options: CommandOptions, redaction: Redaction) -> dict[str, Any]:
    """The options as a recording keeps them: of secrets and SSH agents only the ids, and nothing for what is not set."""
    kept = replace(
        options,
        secrets=tuple(name for name in read_secrets(options.secrets, Path()) if name not in unset_secrets(options)),
        ssh=tuple(sorted(agent_ids(options))),
        named_contexts={name: redaction.text(source) for name, source in options.named_contexts.items()},
        labels=redaction.build_args(options.labels),
    )
    values = {one.name: getattr(kept, one.name) for one in fields(kept)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value}


def options_of(meta: Meta) -> CommandOptions:
    """The options of a recorded build; without its secrets and SSH agents, of which the recording has only the ids."""
    # A newer speedkit may know more options.
    names = {one.name for one in fields(CommandOptions)} - {"secrets", "ssh"}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in meta.options.items() if name in names
    }
    return CommandOptions(**values)


def _image_name(text: str) -> str:
    """Text as a part of an image's name: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "app"
