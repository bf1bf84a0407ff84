"""A build request, and the buildx command for it, without a secret on the command line: every user can read that.

Most requests become `buildx build`, with the values of build args in the environment of buildx. Some become `buildx bake`:
those with a build arg that buildx itself would obey in its environment (HTTP_PROXY, DOCKER_HOST), and those with a password or
a signature in an option. Bake reads the request from a file that only this user can read, and makes the same image.
https://docs.docker.com/build/bake/reference/
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from speedkit.secrets import holds_secret, names_a_secret
from speedkit.state import open_private

from .command_options import DOCKER_IMAGE, NO_OPTIONS, CommandOptions, read_secrets
from .connection import Engine

__all__ = ["BAKE_TARGET", "BuildRequest", "buildx_call", "command_line", "without_definition"]

BAKE_TARGET = "default"
DEFINITION = "build.json"
OBEYED_BY_CLIENTS = re.compile(
    r"(?:DOCKER|BUILDX|COMPOSE|AWS|AZURE|ACTIONS|GITHUB|OTEL|GRPC|SSH|SSL|XDG|LD|DYLD|LC|EXPERIMENTAL)_\w*|\w+_PROXY"
    r"|BUILDKIT_(?:HOST|PROGRESS|COLORS|TTY_LOG_LINES|NO_CLIENT_TOKEN)|GO(?:GC|DEBUG|MAXPROCS|MEMLIMIT|TRACEBACK|COVERDIR)"
    r"|PATH|HOME|USER|SHELL|TERM|TMP|TEMP|TMPDIR|COLORFGBG|NO_COLOR|CI|TZ|LANG|PWD|KUBECONFIG|SYSTEMROOT|GIT_\w+",
    re.IGNORECASE,
)
"""Variables that buildx itself, Go or git obeys. buildx must not get a build arg of such a name: it is for the build alone."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build, in the terms of `buildx build`.

    context: the folder of the build context. dockerfile: its path, which may be outside of the context.
    dockerfile_text: a text to build in place of the file's own; None for its own.
    named_contexts: by a name in the Dockerfile, usually that of an image, the source that is used for it, such as
    `docker-image://…`. named_contexts, labels and tags include those of the user.
    options: the other options of the user, as `checked_options` gives them.
    builder: a builder of buildx; None is the engine's own.
    cache_from, cache_to: the places of cache imports and exports, as in buildx's options, such as `type=registry,ref=…`.
    """

    context: Path
    dockerfile: Path
    dockerfile_text: str | None = None
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    builder: str | None = None
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    options: CommandOptions = NO_OPTIONS


def buildx_call(engine: Engine, request: BuildRequest, scratch: Path, metadata: Path) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of buildx for a build.

    scratch: a folder for the definition that bake reads. metadata: the file that buildx writes the image's id to.
    """
    caches = (*request.cache_from, *request.cache_to)
    attributes = (part.partition("=")[0].strip(' "') for option in caches for part in option.split(","))
    # An image's digest has an `@` as well, so images are left out.
    addresses = [
        source for source in request.named_contexts.values() if "://" in source and not source.startswith(DOCKER_IMAGE)
    ]
    is_public = (
        # `@` and `?` are in addresses with a password or a signature: user:password@host, and …?X-Amz-Signature=…
        not any("@" in option or "?" in option for option in (*caches, *addresses))
        and not any(map(names_a_secret, (*attributes, *request.labels)))
        and not any(map(holds_secret, (*caches, *request.named_contexts.values(), *request.labels.values())))
    )
    # buildx finds the secrets of variables in its own environment, where a build arg of such a name would take their place.
    build_secrets = read_secrets(request.options.secrets, request.context).values()
    secrets = {secret.variable for secret in build_secrets if secret.variable is not None}
    environment = engine.environment | {name: os.environ[name] for name in secrets if name in os.environ}
    if is_public and not any(_misleads_buildx(environment, name, value, secrets) for name, value in request.build_args.items()):
        return command_line(engine, request, metadata), {**environment, **request.build_args}
    definition = scratch / DEFINITION
    with open_private(definition) as file:
        file.write(_bake_definition(request))
    argv = [str(engine.buildx), "bake", f"--file={definition}", "--progress=rawjson", f"--metadata-file={metadata}"]
    # Bake asks the user to allow the agents, networks and folders of a definition. The user has named them all already:
    # https://docs.docker.com/reference/cli/docker/buildx/bake/#allow
    argv += ["--allow=ssh"] if request.options.ssh else []
    argv += ["--allow=network.host"] if request.options.network == "host" else []
    return argv + _builder_options(request), environment | {"BUILDX_BAKE_ENTITLEMENTS_FS": "0"}


def without_definition(scratch: Path, on_line: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """A receiver of lines that passes them on to `on_line`, and removes bake's definition once bake has read it."""
    # The definition may hold secrets. It must not stay on the disk should this process be killed during the build.
    definition = scratch / DEFINITION
    if not definition.exists():
        return on_line

    def receive(line: bytes) -> None:
        if b"load local bake definitions" in line and b'"completed"' in line:
            definition.unlink(missing_ok=True)
        on_line(line)

    return receive


def command_line(engine: Engine, request: BuildRequest, metadata: Path) -> list[str]:
    """The arguments of `buildx build`, the plugin's binary first: the names of build args, without their values."""
    argv = [str(engine.buildx), "build", "--progress=rawjson", f"--metadata-file={metadata}", *_builder_options(request)]
    argv += [f"--file={request.dockerfile}"]
    argv += [f"--target={request.target}"] if request.target else []
    argv += [f"--tag={tag}" for tag in request.tags]
    argv += [f"--build-arg={name}" for name in request.build_args]
    argv += [f"--build-context={name}={source}" for name, source in request.named_contexts.items()]
    argv += [f"--cache-from={place}" for place in request.cache_from]
    argv += [f"--cache-to={place}" for place in request.cache_to]
    argv += [f"--label={name}={value}" for name, value in request.labels.items()]
    options = request.options
    lists = {"secret": options.secrets, "ssh": options.ssh, "platform": options.platforms, "add-host": options.add_hosts}
    argv += [f"--{flag}={value}" for flag, values in lists.items() for value in values]
    argv += [f"--ulimit={limit}" for limit in options.ulimits]
    argv += [f"--network={options.network}"] if options.network else []
    argv += [f"--shm-size={options.shm_size}"] if options.shm_size else []
    return [*argv, str(request.context)]


def _builder_options(request: BuildRequest) -> list[str]:
    # The engine's own builder puts the image into the engine's store by itself. Any other builder does so only with --load.
    return ["--builder", request.builder, "--load"] if request.builder else ["--builder=default"]


def _misleads_buildx(environment: Mapping[str, str], name: str, value: str, secrets: Collection[str]) -> bool:
    """Whether buildx would obey a build arg in its environment, or would not see it there.

    secrets: the variables that hold secrets of the build.
    """
    if environment.get(name) == value:
        return False
    # Windows ignores the case of a variable's name, so `Proxy` and `PROXY` would be one variable.
    is_obeyed = OBEYED_BY_CLIENTS.fullmatch(name) is not None or name in secrets
    return is_obeyed or (sys.platform == "win32" and name != name.upper())


def _bake_definition(request: BuildRequest) -> bytes:
    """A request as a definition for `buildx bake`."""
    options = request.options
    target = {
        "context": str(request.context),
        "dockerfile": str(request.dockerfile),
        "target": request.target,
        "tags": list(request.tags),
        "args": dict(request.build_args),
        "contexts": dict(request.named_contexts),
        "labels": dict(request.labels),
        "cache-from": list(request.cache_from),
        "cache-to": list(request.cache_to),
        "secret": list(options.secrets),
        "ssh": list(options.ssh),
        "platforms": list(options.platforms),
        "network": options.network,
        "extra-hosts": dict(option.split(":", 1) for option in options.add_hosts),
        "ulimits": list(options.ulimits),
        "shm-size": options.shm_size,
    }
    definition = {"target": {BAKE_TARGET: {name: value for name, value in target.items() if value}}}
    text = json.dumps(definition, ensure_ascii=False)
    # Bake expands `${…}` and `%{…}` in the strings of a definition; `$${` and `%%{` are the escapes for them.
    return text.replace("${", "$${").replace("%{", "%%{").encode("utf-8", "surrogateescape")
