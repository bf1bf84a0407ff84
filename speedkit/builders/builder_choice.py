"""Finds the builder that a user names, as `docker buildx build --builder NAME` does."""

from __future__ import annotations

import re
import subprocess

from speedkit.engine import Engine, connect, endpoint_of_context
from speedkit.errors import EngineError, Misuse, UnknownBuilder
from speedkit.messages import message

from .builder import Builder
from .buildx_commands import builder_names, driver_of, inspect_builder
from .engine_builder import EngineBuilder
from .other_builder import OtherBuilder

__all__ = ["builder_if_any", "builder_named"]

UNKNOWN_NAME = "no builder"
"""A part of buildx's error for a name that no builder has."""
PLATFORMS = re.compile(r"^Platforms:[ \t]*(\S.*)$", re.MULTILINE)
INSIDE_AN_ENGINE = "docker"
"""The driver of the builder inside an engine. Buildx names such a builder after the engine's Docker context."""


def builder_named(engine: Engine, name: str | None) -> Builder:
    """A builder by its name in buildx; None is the one inside the engine.

    A builder that does not answer within five seconds has no platforms here: its build then shows what is wrong.

    Raises: UnknownBuilder, EngineError; Misuse for a builder inside another engine.
    """
    if not name or name == "default":
        return EngineBuilder(engine)
    try:
        inspected = inspect_builder(engine, name)
    except subprocess.TimeoutExpired:
        if endpoint_of_context(name) is None:
            return OtherBuilder(engine, name)
    else:
        if inspected.returncode and UNKNOWN_NAME in inspected.stderr:
            raise UnknownBuilder(name, builder_names(engine))
        if inspected.returncode:
            raise EngineError(
                message("buildx cannot describe the builder {name!r}:", name=name), quoted=inspected.stderr.strip()
            )
        if driver_of(inspected) != INSIDE_AN_ENGINE:
            platforms = PLATFORMS.search(inspected.stdout)
            # An asterisk marks the platforms that the user set (`buildx create --platform`).
            names = re.split(r"[,\s*]+", platforms[1].strip(" *")) if platforms else []
            return OtherBuilder(engine, name, platforms=tuple(names))
    endpoint = endpoint_of_context(name)
    if endpoint is not None and endpoint[0] == engine.host:
        return EngineBuilder(engine)
    raise Misuse(
        message(
            "The builder {name} is inside the engine of the Docker context {name}, which would keep the image for itself.",
            name=name,
        ),
        fix=message("Name that engine in place of the builder: DOCKER_CONTEXT={name}.", name=name),
    )


def builder_if_any(name: str | None = None) -> Builder | None:
    """As `builder_named`, on the engine that the `docker` command would use; None when no engine answers.

    Raises: UnknownBuilder; EngineError where buildx cannot describe it; Misuse for a builder inside another engine.
    """
    try:
        engine = connect()
    except EngineError:
        return None
    return builder_named(engine, name)
