"""What a build asks of buildx, and how that is said without a secret on a command line, which every user can read.

The values of build args are in buildx's environment. Where that would tell buildx itself something (a proxy that only the
build is to use, DOCKER_HOST), and where a cache option holds a password or a signature, `buildx bake` reads the whole build
from a file that only this user can read; the same image comes of it. https://docs.docker.com/build/bake/reference/
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from speedkit.secrets import holds_secret, names_a_secret
from speedkit.state import open_private

from .connection import Engine

__all__ = ["BAKE_TARGET", "BuildRequest", "buildx_call", "command_line", "without_definition"]

BAKE_TARGET = "default"
DEFINITION = "build.json"
READ_BY_CLIENTS = re.compile(
    r"(?:DOCKER|BUILDX|COMPOSE|AWS|AZURE|ACTIONS|GITHUB|OTEL|GRPC|SSH|SSL|XDG|LD|DYLD|LC|EXPERIMENTAL)_\w*|\w+_PROXY"
    r"|BUILDKIT_(?:HOST|PROGRESS|COLORS|TTY_LOG_LINES|NO_CLIENT_TOKEN)|GO(?:GC|DEBUG|MAXPROCS|MEMLIMIT|TRACEBACK|COVERDIR)"
    r"|PATH|HOME|USER|SHELL|TERM|TMP|TEMP|TMPDIR|COLORFGBG|NO_COLOR|CI|TZ|LANG|PWD|KUBECONFIG|SYSTEMROOT|GIT_\w+",
    re.IGNORECASE,
)
"""Variables by which buildx itself, Go or git is told something: a build arg of such a name is meant for the build alone."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build, as BuildKit is asked for it.

    named_contexts: what takes the place of an image the Dockerfile names, such as `docker-image://…`.
    builder: a buildx builder; None is the engine's own.
    dockerfile_text: what BuildKit is sent in place of the Dockerfile's own text; None is its own.
    cache_from, cache_to: where buildx is to import and export caches, in its own words, such as `type=registry,ref=…`.
    """

    context: Path
    dockerfile: Path
    dockerfile_text: str | None = None
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    tag: str | None = None
    builder: str | None = None
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()


def buildx_call(engine: Engine, request: BuildRequest, scratch: Path, metadata: Path) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of buildx for a build.

    scratch: a folder for a file that buildx reads. metadata: the file that it writes the image's id to.
    """
    if _fits_a_command_line(engine, request):
        return command_line(engine, request, metadata), {**engine.environment, **request.build_args}
    definition = scratch / DEFINITION
    with open_private(definition) as file:
        file.write(_bake_definition(request))
    argv = [str(engine.buildx), "bake", f"--file={definition}", "--progress=rawjson", f"--metadata-file={metadata}"]
    # Bake asks before it reads folders that a definition names; here the user has named them.
    environment = {**engine.environment, "BUILDX_BAKE_ENTITLEMENTS_FS": "0"}
    return argv + _builder(request), environment


def without_definition(scratch: Path, on_line: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Hands on lines, and removes what bake reads as soon as it has: should this program be killed, it is gone."""
    definition = scratch / DEFINITION
    if not definition.exists():
        return on_line

    def hear(line: bytes) -> None:
        if b"load local bake definitions" in line and b'"completed"' in line:
            definition.unlink(missing_ok=True)
        on_line(line)

    return hear


def command_line(engine: Engine, request: BuildRequest, metadata: Path) -> list[str]:
    """The arguments of one build, the plugin's binary first. Build args are named; their values are in the environment."""
    argv = [str(engine.buildx), "build", "--progress=rawjson", f"--metadata-file={metadata}", *_builder(request)]
    argv += [f"--file={request.dockerfile}"]
    argv += [f"--target={request.target}"] if request.target else []
    argv += [f"--tag={request.tag}"] if request.tag else []
    argv += [f"--build-arg={name}" for name in request.build_args]
    argv += [f"--build-context={name}={source}" for name, source in request.named_contexts.items()]
    argv += [f"--cache-from={place}" for place in request.cache_from]
    argv += [f"--cache-to={place}" for place in request.cache_to]
    argv += [f"--label={name}={value}" for name, value in request.labels.items()]
    return [*argv, str(request.context)]


def _builder(request: BuildRequest) -> list[str]:
    return ["--builder", request.builder, "--load"] if request.builder else ["--builder=default"]


def _fits_a_command_line(engine: Engine, request: BuildRequest) -> bool:
    """Whether `buildx build` can be told all, with no secret on its command line and nothing that misleads it."""
    options = (*request.cache_from, *request.cache_to)
    attributes = (part.partition("=")[0].strip(' "') for option in options for part in option.split(","))
    return (
        not any(_misleads(engine, name, value) for name, value in request.build_args.items())
        and not any("@" in option or "?" in option for option in options)
        and not any(map(names_a_secret, attributes))
        and not any(map(holds_secret, (*options, *request.named_contexts.values(), *request.labels.values())))
    )


def _misleads(engine: Engine, name: str, value: str) -> bool:
    """Whether buildx would take a build arg in its environment for its own, or could not find it there."""
    if engine.environment.get(name) == value:
        return False
    # On Windows, variables differ by more than their case.
    return READ_BY_CLIENTS.fullmatch(name) is not None or (sys.platform == "win32" and name != name.upper())


def _bake_definition(request: BuildRequest) -> bytes:
    """A build as `buildx bake` reads it. It expands `${…}` and `%{…}`, which stand for themselves here."""
    target = {
        "context": str(request.context),
        "dockerfile": str(request.dockerfile),
        "target": request.target,
        "tags": [request.tag] if request.tag else None,
        "args": dict(request.build_args),
        "contexts": dict(request.named_contexts),
        "labels": dict(request.labels),
        "cache-from": list(request.cache_from),
        "cache-to": list(request.cache_to),
    }
    definition = {"target": {BAKE_TARGET: {name: value for name, value in target.items() if value}}}
    text = json.dumps(definition, ensure_ascii=False)
    return text.replace("${", "$${").replace("%{", "%%{").encode("utf-8", "surrogateescape")
