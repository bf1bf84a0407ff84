"""One call of `docker build` in some file, and the `Way` that it becomes for a project.

In: values as they are written, some of them with parts that only a run would know (`unresolved`). Out: paths in the repository,
resolved values apart from unresolved ones, and a problem in words where nothing can be built from here.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from speedkit.context import file_in_root
from speedkit.engine import CommandOptions
from speedkit.messages import message

from .unresolved import ROOT, as_written, is_resolved
from .way import Way, WayKind

__all__ = ["BuildCall", "is_remote", "way_of"]

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/", re.IGNORECASE)
_NO_FOLDER = re.compile(r"(?:target|docker-image|oci-layout|service):")
"""A named context that is no folder: https://docs.docker.com/reference/cli/docker/buildx/build/#build-context"""
DOCKERFILES = ("Dockerfile", "dockerfile", "Containerfile")
OTHER_TARGET = "target:"
"""How bake names the result of another of its targets as a named context."""
LONGEST_TEXT = 4_000
LONGEST_PATH = 4_000


@dataclass(slots=True)
class BuildCall:
    """The arguments of one build, as a file has them.

    folder: the folder in which the command runs, in the repository. context: None for none. file: None for the context's
    `Dockerfile`; relative to the context where file_in_context, else to the folder. build_args: None for a value from the
    environment.
    """

    context: str | None
    file: str | None = None
    folder: str = "."
    file_in_context: bool = False
    target: str | None = None
    build_args: dict[str, str | None] = field(default_factory=dict)
    platforms: list[str] = field(default_factory=list)
    cache_from: list[str] = field(default_factory=list)
    cache_to: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    named_contexts: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    ssh: list[str] = field(default_factory=list)
    add_hosts: list[str] = field(default_factory=list)
    ulimits: list[str] = field(default_factory=list)
    network: str | None = None
    shm_size: str | None = None
    publishes: bool = False
    without_cache: bool = False
    dockerfile_text: str | None = None
    not_resolved: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def is_remote(context: str) -> bool:
    """Whether a context is an address, which the builder would fetch."""
    return _REMOTE.match(context) is not None


def way_of(call: BuildCall, repository: Path, *, kind: WayKind, found_in: str) -> Way:
    """The way for a call. Its paths are in the repository; its name is still empty."""
    missing: dict[str, str] = dict(call.not_resolved)
    target = _resolved(call.target, "target", missing)
    build_args = {}
    for name, value in call.build_args.items():
        if not is_resolved(name):
            missing["build-arg"] = as_written(name)
        elif value is None:
            missing[f"build-arg {name}"] = f"${name}"
        elif (text := _resolved(value, f"build-arg {name}", missing)) is not None:
            build_args[name] = text
    # A source that is a folder begins in the folder of the call, and bake's own targets become `linked`.
    contexts = _resolved_values(call.named_contexts, "build-context", missing)
    named_contexts = {
        name: source
        if is_remote(source) or _NO_FOLDER.match(source)
        else str(repository / (_place(call.folder, source) or source))
        for name, source in contexts.items()
        if not source.startswith(OTHER_TARGET)
    }
    options = CommandOptions(
        secrets=tuple(_absolute_source(one, repository, call.folder) for one in _all_resolved(call.secrets, "secret", missing)),
        ssh=_all_resolved(call.ssh, "ssh", missing),
        named_contexts=named_contexts,
        platforms=_all_resolved(call.platforms, "platform", missing),
        labels=_resolved_values(call.labels, "label", missing),
        tags=_all_resolved(call.tags, "tag", missing),
        network=_resolved(call.network, "network", missing),
        add_hosts=_all_resolved(call.add_hosts, "add-host", missing),
        ulimits=_all_resolved(call.ulimits, "ulimit", missing),
        shm_size=_resolved(call.shm_size, "shm-size", missing),
    )

    # A call whose target is unresolved cannot be built: which image it is for, only its run knows.
    context, file, problem = _places(call, repository, missing)
    if "target" in missing and not problem:
        problem = message("the target is {text}, which only its run knows", text=missing["target"])
    return Way(
        name="",
        kind=kind,
        found_in=found_in,
        context=context,
        file=file,
        target=target,
        build_args=build_args,
        cache_from=_all_resolved(call.cache_from, "cache-from", missing),
        cache_to=_all_resolved(call.cache_to, "cache-to", missing),
        options=options,
        linked={
            name: source.removeprefix(OTHER_TARGET) for name, source in contexts.items() if source.startswith(OTHER_TARGET)
        },
        dockerfile_text=call.dockerfile_text,
        publishes=call.publishes,
        without_cache=call.without_cache,
        not_resolved={name: as_written(text)[:LONGEST_TEXT] for name, text in missing.items()},
        problem=call.problem or problem,
    )


def _resolved(text: str | None, option: str, missing: dict[str, str]) -> str | None:
    """A text without unresolved parts. For any other one, None, and `missing` gets it under the option's name."""
    if text is None or is_resolved(text):
        return text
    missing[option] = as_written(text)
    return None


def _resolved_values(values: Mapping[str, str], option: str, missing: dict[str, str]) -> dict[str, str]:
    texts = {}
    for name, value in values.items():
        if is_resolved(name) and (text := _resolved(value, f"{option} {name}", missing)) is not None:
            texts[name] = text
    return texts


def _all_resolved(texts: list[str], option: str, missing: dict[str, str]) -> tuple[str, ...]:
    unknown = [as_written(text) for text in texts if not is_resolved(text)]
    if unknown:
        missing[option] = ", ".join(unknown)
    return tuple(dict.fromkeys(text for text in texts if is_resolved(text) and text))


def _places(call: BuildCall, repository: Path, missing: dict[str, str]) -> tuple[str, str, str]:
    """The context, the Dockerfile, and why the way cannot be built."""
    context, file = call.context, call.file
    if context is None or context == "-":
        return context or "", as_written(file or ""), message("its build context comes through a pipe")
    if not is_resolved(context) or not is_resolved(call.folder):
        missing["context"] = as_written(context if not is_resolved(context) else call.folder)
        words = message("the build context is {text}, which only its run knows", text=missing["context"])
        return as_written(context), as_written(file or "Dockerfile"), words
    if is_remote(context):
        return (
            context,
            as_written(file or "Dockerfile"),
            message("its build context is not in this folder: {text}", text=context),
        )
    place = _place(call.folder, context)
    if place is None:
        words = message("its build context is outside of the repository: {text}", text=as_written(context))
        return as_written(context), as_written(file or "Dockerfile"), words
    # The order of these checks is the order in which a reader would meet the problems.
    if not os.path.isdir(repository / place):  # noqa: PTH112 (no error for a name that is too long)
        return place, as_written(file or "Dockerfile"), message("there is no folder {path}", path=place)
    if not _is_inside(repository, place):
        words = message("its build context {path} is a link that leads out of the repository", path=place)
        return place, as_written(file or "Dockerfile"), words
    return (place, *_dockerfile(call, repository, place, missing))


def _dockerfile(call: BuildCall, repository: Path, context: str, missing: dict[str, str]) -> tuple[str, str]:
    """The Dockerfile, and why it cannot be built."""
    if call.dockerfile_text is not None:
        return "", ""
    if call.file is None:
        # docker also takes a `dockerfile`, and podman and buildah a `Containerfile`.
        names = [posixpath.normpath(posixpath.join(context, name)) for name in DOCKERFILES]
        path = next((name for name in names if _is_dockerfile(repository, name)), names[0])
    elif not is_resolved(call.file):
        missing["file"] = as_written(call.file)
        return missing["file"], message("the Dockerfile is {text}, which only its run knows", text=missing["file"])
    elif call.file == "-":
        return "-", message("its Dockerfile comes through a pipe")
    else:
        place = _place(context if call.file_in_context else call.folder, call.file)
        if place is None:
            return as_written(call.file), message(
                "its Dockerfile is outside of the repository: {path}", path=as_written(call.file)
            )
        path = place
        inside = _place(context, call.file)
        # `docker build -f x FOLDER` looks for x in the current folder only. Many scripts change the folder in ways that this
        # reader does not follow, so a file in the context counts too. The problem of a missing file has the path of the call.
        if not call.file_in_context and inside and not _is_dockerfile(repository, path) and _is_dockerfile(repository, inside):
            path = inside
    if not _is_dockerfile(repository, path):
        return path, message("there is no Dockerfile at {path}", path=path)
    if not _is_inside(repository, path):
        return path, message("its Dockerfile {path} is a link that leads out of the repository", path=path)
    return path, ""


def _is_dockerfile(repository: Path, path: str) -> bool:
    # Unlike those of `Path`, these functions give False for a name that no file can have.
    place = os.path.join(repository, path)  # noqa: PTH118
    folder, name = os.path.split(place)
    return os.path.isfile(place) or file_in_root(Path(os.path.realpath(folder)), name) is not None  # noqa: PTH113


def _is_inside(repository: Path, path: str) -> bool:
    return Path(os.path.realpath(repository / path)).is_relative_to(repository)


def _place(folder: str, path: str) -> str | None:
    """The path in the repository of a path that begins in one of its folders; None for one outside of the repository."""
    if path.startswith(ROOT):
        path = path.removeprefix(ROOT).lstrip("/") or "."
    elif folder.startswith(ROOT):
        path = posixpath.join(folder.removeprefix(ROOT).lstrip("/"), path)
    else:
        path = posixpath.join(folder, path)
    place = posixpath.normpath(path)
    return None if place.startswith(("/", "../")) or place == ".." or "\0" in place or len(place) > LONGEST_PATH else place


def _absolute_source(secret: str, repository: Path, folder: str) -> str:
    """A secret with the absolute path of its file: the build may run in another folder than the call."""
    parts = []
    for part in secret.split(","):
        name, equals, value = part.partition("=")
        # https://docs.docker.com/reference/cli/docker/buildx/build/#secret
        if name.strip() in ("src", "source") and equals and not value.startswith(("/", "~")):
            part = f"{name}={repository / (_place(folder, value) or value)}"
        parts.append(part)
    return ",".join(parts)
