"""Reads bake and compose files with `docker buildx bake --print`, which knows their variables, groups, matrices and overrides.

`--print` needs no engine, but checks the secrets and SSH agents that a build would need, so missing ones get a stand-in that
nothing reads. bake puts variables of the environment into its output, so it runs with few of them: those that the files name.
https://docs.docker.com/build/bake/reference/
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speedkit.engine import run_child
from speedkit.messages import message
from speedkit.ownership import scratch_folder
from speedkit.regular_file import read_regular

from .build_call import BuildCall
from .unresolved import readable, unresolved
from .yaml_documents import YamlRefused, read_yaml

__all__ = [
    "BAKE_NAMES",
    "COMPOSE_NAMES",
    "COMPOSE_OVERRIDES",
    "BakeReader",
    "BakeRefused",
    "Definition",
    "build_calls",
    "files_of_bake",
    "services_of",
]

COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
COMPOSE_OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
BAKE_NAMES = ("docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl")
"""In the order in which bake reads them, after those of compose: https://docs.docker.com/build/bake/reference/#file-format."""
LARGEST_BYTES = 1_000_000
LIMIT_SECONDS = 10.0
MOST_STAND_INS = 20
WORD = re.compile(r"[A-Za-z_]\w*")
NOT_THERE = re.compile(r"failed to stat ([A-Za-z_][\w.-]*):")
REQUIRED = re.compile(r"required variable ([A-Za-z_]\w*) is missing a value")
NOT_SET = re.compile(r'The "([^"]+)" variable is not set')
PASSED_ON = (
    "PATH",
    "HOME",
    "USERPROFILE",
    "DOCKER_CONFIG",
    "BUILDX_CONFIG",
    "TMPDIR",
    "TMP",
    "TEMP",
    "SYSTEMROOT",
    "XDG_RUNTIME_DIR",
)
SETTINGS_OF_DOCKER = re.compile(r"(?:DOCKER|BUILDX|BUILDKIT|COMPOSE|OTEL|LD|DYLD|GIT)_\w*")
LONGEST_ERROR = 300


class BakeRefused(Exception):
    """Files that bake does not read. The text is the reason."""


def files_of_bake(names: Iterable[str]) -> list[str]:
    """The files among these names that bake reads without `--file`, in its order."""
    there = set(names)
    return [name for name in (*COMPOSE_NAMES, *BAKE_NAMES) if name in there]


@dataclass(frozen=True, slots=True)
class Definition:
    """The content of bake files. targets: as bake prints them, by name. groups: the members of each group."""

    targets: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, names: Sequence[str]) -> dict[str, Any]:
        """The targets of these names and groups.

        Raises: BakeRefused for a name that is not there.
        """
        targets: dict[str, Any] = {}
        # A group may hold groups, and name itself.
        unvisited, visited = [*names], set()
        while unvisited:
            name = unvisited.pop(0)
            if name in visited:
                continue
            visited.add(name)
            if name in self.targets:
                targets[name] = self.targets[name]
            elif name in self.groups:
                unvisited += self.groups[name]
            else:
                raise BakeRefused(message("bake finds no target {name}", name=name))
        return targets


class BakeReader:
    """Reads bake and compose files of one repository, a few at once, and each once."""

    def __init__(self, repository: Path, buildx: Callable[[], Path], pool: Executor) -> None:
        """buildx: gives the program, or raises BakeRefused."""
        self.repository, self._buildx, self._pool = repository, buildx, pool
        self._readings: dict[object, Future[Definition]] = {}

    def bake(
        self,
        folder: str,
        names: Sequence[str],
        *,
        targets: Sequence[str] = (),
        overrides: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Future[Definition]:
        """The definition of bake files. The future raises BakeRefused.

        overrides: as `--set` takes them, for `targets`. environment: variables of bake, as in `variables_of`.
        """
        more = (tuple(targets), tuple(overrides), tuple(sorted((environment or {}).items())))
        return self._once(_bake_definition, folder, tuple(names), *more)

    def variables_of(self, folder: str, names: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
        """The variables of an environment that bake files name."""
        try:
            words = {word for name in names for word in WORD.findall(_text(self.repository / folder / name))}
        except BakeRefused:
            return {}
        return {name: value for name, value in environment.items() if name in words and not SETTINGS_OF_DOCKER.fullmatch(name)}

    def compose(self, folder: str, names: Sequence[str]) -> Future[Definition]:
        """The services of compose files that are built, as bake's targets. The future raises BakeRefused."""
        return self._once(_compose_definition, folder, tuple(names))

    def _once(self, read: Callable[..., Definition], folder: str, names: tuple[str, ...], *more: object) -> Future[Definition]:
        # Several workflows may run bake on the same files, and each reading is a process of its own.
        key = (read, posixpath.normpath(folder or "."), names, *more)
        if key not in self._readings:
            self._readings[key] = self._pool.submit(self._read, read, folder, names, *more)
        return self._readings[key]

    def _read(self, read: Callable[..., Definition], folder: str, names: tuple[str, ...], *more: object) -> Definition:
        # bake follows links, also out of the repository.
        place = self.repository / folder
        for name in names:
            if not Path(os.path.realpath(place / name)).is_relative_to(self.repository):
                raise BakeRefused(message("{path} is outside of the repository", path=name))
        return read(self._buildx(), place, names, *more)


def _bake_definition(
    buildx: Path,
    folder: Path,
    files: Sequence[str],
    targets: Sequence[str],
    overrides: Sequence[str],
    variables: Sequence[tuple[str, str]],
) -> Definition:
    text = "".join(_text(folder / name) for name in files)
    for name in files:
        if name.endswith((".yml", ".yaml")):
            _document(folder / name)
    options = [f"--file={name}" for name in files]
    names = list(targets)
    if not names:
        # Without a name, bake prints the group `default`, which seldom has all targets. So all targets are named.
        target_list, _ = _run(buildx, folder, text, [*options, "--list=type=targets,format=json"])
        entries = [entry for entry in json.loads(target_list or "[]") if isinstance(entry, dict)]
        names = [entry["name"] for entry in entries if not entry["name"].startswith("-")]
        if not names:
            return Definition()
    return _printed(buildx, folder, text, [*options, *(f"--set={one}" for one in overrides)], names, dict(variables))


def _document(path: Path) -> Any:
    try:
        return read_yaml(_text(path))
    except YamlRefused as problem:
        raise BakeRefused(f"{path.name}: {problem}") from None


def _compose_definition(buildx: Path, folder: Path, files: Sequence[str]) -> Definition:
    text = "".join(_text(folder / name) for name in files)
    # Read here first: this reader has limits for aliases, and most compose files build nothing and need no bake.
    documents = [_document(folder / name) for name in files]
    services = [service for document in documents for service in services_of(document).values()]
    if not any("build" in service for service in services if isinstance(service, dict)):
        return Definition()
    try:
        definition = _printed(buildx, folder, text, [f"--file={name}" for name in files], [])
    except BakeRefused as problem:
        definition = _definition_of_builds(buildx, folder, text, documents, problem)
    for name, target in definition.targets.items():
        # bake warns of every variable that is not set in the file. Only those in the service itself concern its build.
        own = json.dumps([services_of(document).get(name) for document in documents])
        target["unset"] = [variable for variable in target["unset"] if re.search(rf"\$\{{?{re.escape(variable)}\b", own)]
    return definition


def _definition_of_builds(buildx: Path, folder: Path, text: str, documents: Sequence[Any], problem: BakeRefused) -> Definition:
    """The definition in compose files from which all but the builds is removed.

    bake refuses a file for a missing `env_file`, which concerns only how a service runs.
    """
    with scratch_folder() as scratch:
        options = []
        for number, document in enumerate(documents):
            part = scratch / f"compose-{number}.yml"
            part.write_text(json.dumps(_builds_alone(document)), encoding="utf-8", errors="replace")
            options.append(f"--file={part}")
        try:
            return _printed(buildx, folder, text, options, [])
        except BakeRefused:
            raise problem from None


def services_of(document: Any) -> dict[str, Any]:
    """The services of a compose file."""
    services = document.get("services") if isinstance(document, dict) else None
    return services if isinstance(services, dict) else {}


def _builds_alone(document: Any) -> Any:
    """A compose file with only what counts for building."""
    kept = {
        name: {key: service[key] for key in ("build", "image", "platform", "extends") if service.get(key)}
        for name, service in services_of(document).items()
        if isinstance(service, dict) and ("build" in service or "extends" in service)
    }
    secrets = document.get("secrets") if isinstance(document, dict) else None
    return {"services": kept} | ({"secrets": secrets} if isinstance(secrets, dict) else {})


def _text(path: Path) -> str:
    try:
        return readable(read_regular(path, at_most_bytes=LARGEST_BYTES))
    except OSError as problem:
        raise BakeRefused(f"{path.name}: {problem.strerror}") from None


def _printed(
    buildx: Path,
    folder: Path,
    text: str,
    options: Sequence[str],
    names: Sequence[str],
    variables: Mapping[str, str] | None = None,
) -> Definition:
    output, errors = _run(buildx, folder, text, ["--print", *options, *names], variables or {})
    try:
        printed = json.loads(output)
        targets = {name: target for name, target in printed["target"].items() if isinstance(target, dict)}
        groups = {name: list(group.get("targets") or ()) for name, group in (printed.get("group") or {}).items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        raise BakeRefused(message("bake printed no targets")) from None
    unset = sorted(set(NOT_SET.findall(errors)))
    for target in targets.values():
        target["unset"] = unset
    if names and "default" not in names:
        # When names are asked for, bake prints them as a group `default` that the files do not have.
        groups.pop("default", None)
    return Definition(targets, groups)


def _run(
    buildx: Path, folder: Path, text: str, arguments: Sequence[str], variables: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """The output and the error output of bake. Raises: BakeRefused."""
    environment = environment_for(text, os.environ) | dict(variables or {})
    extra: list[str] = []
    with scratch_folder() as scratch, _agent_in(scratch) as agent:
        environment.setdefault("SSH_AUTH_SOCK", agent)
        environment.setdefault("BUILDX_CONFIG", str(scratch))
        # bake stops at the first secret or agent that is not there, so each gets its stand-in in another run: a variable of the
        # name of a secret, or no secrets, or no agents.
        for _ in range(MOST_STAND_INS):
            try:
                done = run_child(
                    [str(buildx), "bake", *extra, *arguments], env=environment, cwd=folder, limit_seconds=LIMIT_SECONDS
                )
            except subprocess.TimeoutExpired:
                raise BakeRefused(message("bake did not answer within {seconds:.0f} seconds", seconds=LIMIT_SECONDS)) from None
            except OSError as problem:
                raise BakeRefused(
                    message("bake could not be started: {problem}", problem=problem.strerror or problem)
                ) from None
            if done.returncode == 0:
                return done.stdout, done.stderr
            missing = NOT_THERE.search(done.stderr)
            required = REQUIRED.search(done.stderr)
            if required is not None and required[1] not in environment and not SETTINGS_OF_DOCKER.fullmatch(required[1]):
                # `${NAME:?}`: only what uses it is not resolved, and the other services are.
                environment[required[1]] = unresolved(f"${required[1]}")
            elif missing is not None and missing[1] not in environment:
                environment[missing[1]] = "stand-in"
            elif missing is not None and "--set=*.secrets=" not in extra:
                extra.append("--set=*.secrets=")
            elif "agent config" in done.stderr and "--set=*.ssh=" not in extra:
                extra.append("--set=*.ssh=")
            else:
                break

    reasons = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    raise BakeRefused((reasons or done.stderr.strip().splitlines() or [message("bake failed")])[-1][:LONGEST_ERROR])


def environment_for(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment for bake: the variables that the files name, and those that any program needs.

    bake puts the value of a variable into each target that names it, so secrets in other variables must not reach it.
    """
    named = {word for word in WORD.findall(text) if SETTINGS_OF_DOCKER.fullmatch(word) is None}
    return {name: value for name, value in environment.items() if name in PASSED_ON or name in named}


@contextmanager
def _agent_in(folder: Path) -> Iterator[str]:
    """The path of a socket in place of an SSH agent's: bake checks that it is there, and never talks to it."""
    path = os.fspath(folder / "agent")
    # Windows has no such sockets: an agent there is a named pipe.
    if sys.platform == "win32":
        yield path
        return
    with socket.socket(socket.AF_UNIX) as agent:
        with suppress(OSError):  # the path may be too long for a socket
            agent.bind(path)
        yield path


def build_calls(definition: Mapping[str, Any], folder: str) -> dict[str, BuildCall]:
    """The builds of a definition, by the names of its targets. folder: the one in which bake would run, in the repository."""
    return {name: _call(target, folder) for name, target in definition.items()}


def _call(target: Mapping[str, Any], folder: str) -> BuildCall:
    inline = target.get("dockerfile-inline")
    hosts = target.get("extra-hosts") or {}
    outputs = [_option(one) for one in _list(target.get("output"))]
    call = BuildCall(
        context=str(target.get("context") or "."),
        file=str(target.get("dockerfile") or "Dockerfile"),
        folder=folder,
        file_in_context=True,
        target=target.get("target") or None,
        build_args={str(name): None if value is None else str(value) for name, value in _pairs(target.get("args"))},
        platforms=[str(one) for one in _list(target.get("platforms"))],
        cache_from=[_option(one) for one in _list(target.get("cache-from"))],
        cache_to=[_option(one) for one in _list(target.get("cache-to"))],
        tags=[str(one) for one in _list(target.get("tags"))],
        labels={str(name): str(value) for name, value in _pairs(target.get("labels"))},
        named_contexts={str(name): str(value) for name, value in _pairs(target.get("contexts"))},
        secrets=[_option(one) for one in _list(target.get("secret"))],
        ssh=[_ssh(one) for one in _list(target.get("ssh"))],
        add_hosts=[f"{name}:{address}" for name, address in _pairs(hosts)],
        ulimits=[str(one) for one in _list(target.get("ulimits"))],
        network=target.get("network") or None,
        shm_size=str(target["shm-size"]) if target.get("shm-size") else None,
        publishes=any("type=registry" in one or "push=true" in one for one in outputs),
        without_cache=bool(target.get("no-cache")),
        dockerfile_text=str(inline) if inline is not None else None,
    )
    # bake puts an empty text in place of a variable that is not set, and warns of the variable. Nothing in its output says
    # which argument got it, so all variables of the call count as unresolved.
    if any(value == "" for value in call.build_args.values()):
        call.not_resolved |= {f"variable {name}": f"${name}" for name in target.get("unset") or ()}
    return call


def _pairs(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _option(value: Any) -> str:
    """An option that bake prints as an object or as text, as a flag of `docker build` takes it."""
    if not isinstance(value, dict):
        return str(value)
    # `type` and `id` come first, as people write them.
    first = [f"{key}={value[key]}" for key in ("type", "id") if key in value]
    return ",".join([*first, *(f"{key}={one}" for key, one in value.items() if key not in ("type", "id"))])


def _ssh(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    paths = value.get("paths") or []
    return f"{value.get('id', 'default')}" + (f"={','.join(map(str, paths))}" if paths else "")
