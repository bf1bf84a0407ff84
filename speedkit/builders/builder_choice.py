"""Finds the builder that a user names, as `docker buildx build --builder NAME` does."""

from __future__ import annotations

import re
import subprocess

from speedkit.engine import Engine, connect, endpoint_of_context, run_child
from speedkit.errors import EngineError, Misuse, NoBuildKit, UnknownBuilder
from speedkit.messages import message

from .builder import Builder
from .engines_own import EnginesOwn
from .other_builder import OtherBuilder

__all__ = ["builder_if_any", "builder_named"]

NOT_KNOWN = "no builder"
"""What buildx says of a name that it does not know."""
PLATFORMS = re.compile(r"^Platforms:[ \t]*(\S.*)$", re.MULTILINE)
DRIVER = re.compile(r"^Driver:\s*(\S+)", re.MULTILINE)
INSIDE_AN_ENGINE = "docker"
"""The driver of the builder that an engine has inside. Buildx names such a builder after the engine's Docker context."""


def builder_named(engine: Engine, name: str | None) -> Builder:
    """A builder by the name that buildx knows it by; None is the one inside the engine.

    Raises: UnknownBuilder, EngineError; Misuse for a builder inside another engine.
    """
    if not name or name == "default":
        return EnginesOwn(engine)
    told = _buildx(engine, "inspect", "--", name)
    if told.returncode and NOT_KNOWN in told.stderr:
        raise UnknownBuilder(name, _known(engine))
    if told.returncode:
        raise EngineError(message("buildx cannot tell of the builder {name!r}:", name=name), quoted=told.stderr.strip())
    driver = DRIVER.search(told.stdout)
    if driver is None or driver[1] != INSIDE_AN_ENGINE:
        platforms = PLATFORMS.search(told.stdout)
        return OtherBuilder(engine, name, platforms=tuple(re.split(r"[,\s*]+", platforms[1].strip(" *"))) if platforms else ())
    endpoint = endpoint_of_context(name)
    if endpoint is not None and endpoint[0] == engine.host:
        return EnginesOwn(engine)
    raise Misuse(
        message(
            "The builder {name} is inside the engine of the Docker context {name}, which would keep the image for itself.",
            name=name,
        ),
        fix=message("Name that engine in place of the builder: DOCKER_CONTEXT={name}.", name=name),
    )


def builder_if_any(name: str | None = None) -> Builder | None:
    """The same, of the engine that the `docker` command would use; None when no engine answers.

    Raises: UnknownBuilder; Misuse for a builder inside another engine.
    """
    try:
        engine = connect()
    except EngineError:
        return None
    return builder_named(engine, name)


def _buildx(engine: Engine, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return run_child([str(engine.buildx), *arguments], env=engine.environment)
    except OSError as problem:
        what = message("buildx could not be started: {problem}.", problem=problem.strerror or problem)
        raise NoBuildKit(what, fix=message("It is {path}.", path=engine.buildx)) from None


def _known(engine: Engine) -> list[str]:
    told = _buildx(engine, "ls", "--format={{.Name}}")
    return list(dict.fromkeys(line.strip() for line in told.stdout.splitlines() if line.strip()))
