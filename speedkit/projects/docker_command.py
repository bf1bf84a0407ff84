"""Reads the command lines of `docker build` and its like: words in, `BuildCall`s out.

https://docs.docker.com/reference/cli/docker/buildx/build/ has the options;
`podman build` and `buildah build` have the same ones.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .build_call import BuildCall
from .shell_words import ShellCommand
from .unresolved import as_written, is_resolved, unresolved

__all__ = ["BakeCall", "ComposeCall", "docker_calls"]

_VALUED = frozenset(
    {"add-host", "allow", "annotation", "attest", "build-arg", "build-context", "builder", "cache-from", "cache-to"}
    | {"call", "cgroup-parent", "file", "iidfile", "label", "metadata-file", "network", "no-cache-filter", "output", "platform"}
    | {"progress", "provenance", "sbom", "secret", "security-opt", "shm-size", "ssh", "tag", "target", "ulimit", "memory"}
    | {"memory-swap", "cpu-shares", "cpu-period", "cpu-quota", "cpuset-cpus", "cpuset-mems", "isolation", "format", "volume"}
    | {
        "authfile",
        "arch",
        "os",
        "variant",
        "build-arg-file",
        "ignorefile",
        "jobs",
        "layers-label",
        "manifest",
        "creds",
        "cert-dir",
    }
)
_SHORT = {"f": "file", "t": "tag", "o": "output", "m": "memory", "c": "cpu-shares", "v": "volume"}
_SHORT_SWITCHES = "qD"
_GLOBAL_VALUED = frozenset({"--context", "-c", "-H", "--host", "--config", "-l", "--log-level", "--tlscacert", "--connection"})
_PROGRAMS = frozenset({"docker", "podman", "nerdctl", "buildah", "docker.exe", "finch"})
_BUILD_WORDS = frozenset({"build", "buildx", "image", "builder", "bud", "compose"})
_SAYS = frozenset(
    {"echo", "printf", "grep", "cat", "sed", "awk", "ssh", "git", "test", "[", "[[", "case", "read", "type", "which"}
)
"""Programs whose arguments are no commands, or run on another machine."""
_PROGRAM_VARIABLE = re.compile(
    r"\$[{(]?\w*(?:DOCKER|PODMAN|CONTAINER_(?:TOOL|ENGINE|CMD|RUNTIME|CLI)|OCI_BIN|BUILDER)\w*[)}]?", re.IGNORECASE
)
_VARIABLE_ALONE = re.compile(r"\$[^/]*\Z")
_BUILDX_VARIABLE = re.compile(r"\$[{(]?\w*BUILDX\w*[)}]?", re.IGNORECASE)


@dataclass(slots=True)
class BakeCall:
    """A `docker buildx bake`: its files, targets and overrides. environment: the variables of its process."""

    folder: str
    files: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    publishes: bool = False


@dataclass(slots=True)
class ComposeCall:
    """A `docker compose build`, or an `up --build`: its files and services."""

    folder: str
    files: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)


def docker_calls(command: ShellCommand) -> Iterator[BuildCall | BakeCall | ComposeCall]:
    """The builds of one command: none, or one."""
    words = [word for word in command.words if word]
    if not words:
        return
    program = posixpath.basename(words[0])
    if program == "executor":
        yield from _kaniko(words[1:], command)
    elif program == "docker-compose":
        yield from _compose(words[1:], command)
    elif program in _PROGRAMS:
        yield from _docker(_after_globals(words[1:]), command)
    elif program not in _SAYS and (place := _wrapped(words)):
        # Another program runs docker, as in `retry docker build .` or `timeout 600 docker build .`.
        yield from _docker(_after_globals(words[place + 1 :]), command)
    elif not is_resolved(words[0]):
        # `$(DOCKER) build .` in a makefile that does not set DOCKER.
        variable = as_written(words[0])
        if _BUILDX_VARIABLE.fullmatch(variable):
            yield from _buildx(words[1:], command)
        elif _PROGRAM_VARIABLE.fullmatch(variable):
            yield from _docker(_after_globals(words[1:]), command)


def _wrapped(words: list[str]) -> int:
    """The place of a `docker` that another program runs; 0 for none."""
    places = (number for number, word in enumerate(words) if number and posixpath.basename(word) in _PROGRAMS)
    return next((place for place in places if words[place + 1 : place + 2] and words[place + 1] in _BUILD_WORDS), 0)


def _docker(words: list[str], command: ShellCommand) -> Iterator[BuildCall | BakeCall | ComposeCall]:
    match words:
        case ["image" | "builder", "build", *rest] | ["build" | "bud", *rest]:
            yield from _build(rest, command)
        case ["buildx", *rest]:
            yield from _buildx(rest, command)
        case ["compose", *rest]:
            yield from _compose(rest, command)


def _buildx(words: list[str], command: ShellCommand) -> Iterator[BuildCall | BakeCall]:
    match _after_globals(words):
        case ["bake" | "f", *rest]:
            yield _bake(rest, command)
        case ["build" | "b", *rest]:
            yield from _build(rest, command)


def _after_globals(words: list[str]) -> list[str]:
    words = list(words)
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in (*_GLOBAL_VALUED, "--builder") and words:
            words.pop(0)
    return words


def _options(words: list[str], valued: frozenset[str] = _VALUED) -> tuple[list[tuple[str, str]], list[str]]:
    """Options with their values ("" for a switch), and the other words."""
    options: list[tuple[str, str]] = []
    others: list[str] = []
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--":
            others += words
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if not equals and name in valued and words:
                value = words.pop(0)
            options.append((name, value))
        elif word.startswith("-") and len(word) > 1:
            # Short options may stand together, `-qf file`, and with their value, `-ffile`.
            letters = word[1:]
            while letters and letters[0] in _SHORT_SWITCHES:
                letters = letters[1:]
            if letters and (long := _SHORT.get(letters[0])) is not None:
                value = letters[1:].removeprefix("=")
                options.append((long, value or (words.pop(0) if words else "")))
        else:
            others.append(word)
    return options, others


def _build(words: list[str], command: ShellCommand) -> Iterator[BuildCall]:
    options, others = _options(words)
    values: dict[str, list[str]] = {}
    for name, value in options:
        values.setdefault(name, []).append(value)
    if "help" in values or ("call" in values and values["call"] != ["build"]) or "check" in values:
        return
    # A variable alone, as in `docker build $ARGS .`, may hold any options. It is the context only when no other word is.
    contexts = [word for word in others if is_resolved(word) or not _VARIABLE_ALONE.match(as_written(word))]
    possible_options = [word for word in others if word not in contexts]
    context = contexts[-1] if contexts else possible_options[-1] if possible_options else None
    if context is None and not options:
        return
    call = BuildCall(
        context=context,
        file=_last(values, "file"),
        folder=command.folder,
        target=_last(values, "target"),
        platforms=[
            part.strip()
            for value in values.get("platform", ())
            for part in (value.split(",") if is_resolved(value) else [value])
        ],
        cache_from=values.get("cache-from", []),
        cache_to=values.get("cache-to", []),
        tags=values.get("tag", []),
        secrets=values.get("secret", []),
        ssh=values.get("ssh", []),
        add_hosts=values.get("add-host", []),
        ulimits=values.get("ulimit", []),
        network=_last(values, "network"),
        shm_size=_last(values, "shm-size"),
        publishes="push" in values or any("type=registry" in one or "push=true" in one for one in values.get("output", ())),
        without_cache="no-cache" in values and values["no-cache"][-1] != "false",
    )
    for value in values.get("build-arg", ()):
        name, equals, rest = _split(value)
        call.build_args[name] = rest if equals else None
    for value in values.get("label", ()):
        name, _, rest = _split(value)
        call.labels[name] = rest
    for value in values.get("build-context", ()):
        name, _, rest = _split(value)
        call.named_contexts[name] = rest
    if context == "-" and command.stdin and is_resolved(command.stdin):
        # The Dockerfile alone is piped in, as in `docker build - < Dockerfile`: there is no build context.
        call.file = command.stdin
    if possible_options and (len(others) > 1 or not contexts):
        call.build_args.setdefault(unresolved(" ".join(as_written(word) for word in possible_options if word != context)), None)
        call.build_args = {name: value for name, value in call.build_args.items() if as_written(name)}
    yield call


def _kaniko(words: list[str], command: ShellCommand) -> Iterator[BuildCall]:
    """https://github.com/GoogleContainerTools/kaniko has the options; a context is often `dir://` and a folder."""
    options, _ = _options(words, _VALUED | {"context", "dockerfile", "destination", "context-sub-path"})
    values = dict(options)
    if "context" not in values and "dockerfile" not in values:
        return
    context = values.get("context", ".").removeprefix("dir://")
    call = BuildCall(
        context=posixpath.join(context, values["context-sub-path"]) if "context-sub-path" in values else context,
        file=values.get("dockerfile"),
        folder=command.folder,
        target=values.get("target"),
        platforms=[value for name, value in options if name in ("platform", "custom-platform")],
        tags=[value for name, value in options if name == "destination"],
        publishes="destination" in values,
    )
    for name, equals, rest in (_split(value) for option, value in options if option == "build-arg"):
        call.build_args[name] = rest if equals else None
    yield call


def _split(value: str) -> tuple[str, str, str]:
    return value.partition("=")


def _last(values: dict[str, list[str]], name: str) -> str | None:
    occurrences = values.get(name)
    return occurrences[-1] if occurrences else None


def _bake(words: list[str], command: ShellCommand) -> BakeCall:
    options, others = _options(words, _VALUED | {"set"})
    return BakeCall(
        folder=command.folder,
        files=[value for name, value in options if name == "file"],
        targets=others,
        overrides=[value for name, value in options if name == "set"],
        environment=command.environment,
        publishes=any(name == "push" for name, _ in options),
    )


def _compose(words: list[str], command: ShellCommand) -> Iterator[ComposeCall]:
    valued = frozenset({"file", "project-name", "profile", "env-file", "project-directory", "ansi", "parallel", "progress"})
    files, words = [], list(words)
    while words and words[0].startswith("-"):
        option, equals, value = words.pop(0).partition("=")
        if not equals and option.lstrip("-") in (*valued, "f", "p") and words:
            value = words.pop(0)
        if option in ("-f", "--file"):
            files.append(value)
    # `up --build web` also builds the services that `web` depends on.
    if words[:1] == ["build"] or (words[:1] == ["up"] and "--build" in words):
        services = [word for word in words[1:] if not word.startswith("-")]
        yield ComposeCall(command.folder, files, services if words[0] == "build" else [])
