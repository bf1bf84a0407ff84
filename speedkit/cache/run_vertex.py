"""RUN as a vertex.

Source: moby/buildkit, frontend/dockerfile/dockerfile2llb (dispatchRun, dispatchRunMounts) and
solver/llbsolver/ops/exec.go. Variables in the command are the shell's business: the text counts as it stands, and so
does every variable, used or not. What a bind mount shows counts by content; what is in a cache mount does not count.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NoReturn

from speedkit.causes import Secret
from speedkit.context import Entry, Manifest
from speedkit.dockerfile import BOOLEAN_WORDS, Mount, heredoc_mark, mounts_of, normalized_path
from speedkit.errors import DockerfileError
from speedkit.messages import message

from .content_digest import NOT_UTF8, Selector, Tree
from .copy_vertex import inline_file
from .vertices import Input, Vertex

if TYPE_CHECKING:
    from collections.abc import Hashable

    from speedkit.dockerfile import Instruction, StageEnvironment

    from .vertices import Surroundings

__all__ = ["run_vertex"]

_AFTER_UMASK = 0o755
"""What is left of the mode of a folder that the engine makes: its umask is 022."""
_PIPES = "/dev/pipes/"


class _Mounted:
    """One mount as it counts: where, what kind, and from which vertex."""

    def __init__(self, target: str, key: Hashable, vertex: Vertex | None, source: str) -> None:
        self.target = target
        self.key = key
        self.vertex = vertex
        self.source = source


def run_vertex(
    instruction: Instruction, stage: str, before: Vertex | None, scope: StageEnvironment, around: Surroundings
) -> Vertex:
    """The vertex of a RUN."""
    mounts = mounts_of(instruction, expand=lambda word: scope.expand(word, instruction, around.dockerfile.escape))
    command, script = _command(instruction, scope)
    _check_command(command)
    mounted = [_mounted(mount, instruction.line, scope, around) for mount in mounts if mount.kind not in ("secret", "ssh")]
    mounted += [_Mounted(_PIPES, ("bind", True), script, "/")] if script is not None else []
    mounted += [_Mounted("/dev/shm", ("tmpfs", False, _bytes(size)), None, "/")] if (size := _shm_size(around)) else []  # noqa: S108
    mounted.sort(key=lambda mount: mount.target)
    inputs = _inputs(before, mounted)
    order = tuple(next((n for n, given in enumerate(inputs) if given.vertex is mount.vertex), -1) for mount in mounted)
    secrets = tuple(_secret(mount) for kind in ("secret", "ssh") for mount in mounts if mount.kind == kind)
    parts: dict[str, Hashable] = {
        "command": command,
        "variables": tuple(_run_variables(scope, mounts).items()),
        "unknown_base": scope.unknown_base,
        "workdir": scope.workdir,
        "user": scope.user,
        "mounts": (tuple((mount.target, mount.key) for mount in mounted), secrets),
        "network": _network(instruction, around),
        "options": _options(instruction, around),
        "hostname": around.situation.build_args.get("BUILDKIT_SANDBOX_HOSTNAME", ""),
        "platform": scope.platform,
    }
    operation = ("run", tuple(parts.items()), order, before is not None)
    lacking = tuple(_secret_of(mount) for mount in mounts if _is_required(mount))
    return Vertex("run", operation, inputs, line=instruction.line, stage=stage, parts=parts, lacking=lacking)


def _check_command(command: tuple[str, ...]) -> None:
    """Raises DockerfileError for a command that cannot be sent to BuildKit, which does not say where it stands."""
    problem = "" if command else "arguments are required"
    if any(NOT_UTF8.search(word) for word in command):
        problem = "string field contains invalid UTF-8"
    if problem:
        raise DockerfileError(f"Dockerfile: failed to marshal LLB definition: {problem}.")


def _command(instruction: Instruction, scope: StageEnvironment) -> tuple[tuple[str, ...], Vertex | None]:
    """The command line, and the script that a here-document with `#!` becomes."""
    words = instruction.args
    script = None
    if instruction.heredocs and len(words) == 1:
        first = instruction.heredocs[0]
        if heredoc_mark(words[0]) is None:
            words = (words[0] + "".join(f"\n{doc.content}{doc.name}" for doc in instruction.heredocs),)
        elif first.content.startswith("#!"):
            script = inline_file(first.name, first.body, mode=0o755)
            words = (f"{_PIPES}{first.name}",)
        else:
            words = (first.body,)
    return (words if instruction.json else (*scope.shell, " ".join(words))), script


def _run_variables(scope: StageEnvironment, mounts: tuple[Mount, ...]) -> dict[str, str]:
    variables = dict(scope.variables)
    agents = [mount for mount in mounts if mount.kind == "ssh"]
    if agents and "SSH_AUTH_SOCK" not in variables:
        variables["SSH_AUTH_SOCK"] = agents[0].target or "/run/buildkit/ssh_agent.0"
    return variables


def _refuse(reason: str, line: int) -> NoReturn:
    raise DockerfileError(message("Dockerfile, line {line}: {reason}.", line=line, reason=reason), line=line)


def _mounted(mount: Mount, line: int, scope: StageEnvironment, around: Surroundings) -> _Mounted:
    target = normalized_path(scope.workdir, mount.target) if not mount.target.startswith("/") else mount.target
    if target == "/":
        _refuse('invalid mount target "/"', line)
    if mount.origin and around.is_ahead(mount.origin, numeric=False):
        where = f'cannot mount from stage "{mount.origin}" to "{mount.target}"'
        _refuse(f"{where}, stage needs to be defined before current command", line)
    vertex = _mount_vertex(mount, around)
    source = normalized_path("/", mount.source)
    if source == "/" and mount.kind == "cache" and (folder := _cache_folder(mount, vertex)) is not None:
        vertex, source = folder, "/cache"
    return _Mounted(target, _mount_key(mount, target, around), vertex, source)


def _mount_vertex(mount: Mount, around: Surroundings) -> Vertex | None:
    if mount.kind == "tmpfs" or (mount.kind == "cache" and not mount.origin):
        return None
    return around.origin(mount.origin, numeric=False) if mount.origin else around.context


def _cache_folder(mount: Mount, origin: Vertex | None) -> Vertex | None:
    """The folder "setting cache mount permissions" that BuildKit makes for mode, uid and gid."""
    given = {name: mount.option(name) for name in ("mode", "uid", "gid")}
    if not any(given.values()):
        return None
    mode, owner = int(given["mode"] or "755", 8) & _AFTER_UMASK, f"{int(given['uid'] or 0)}:{int(given['gid'] or 0)}"
    if origin is not None:
        return Vertex("file", ("mkdir", "/cache", mode, owner), (Input(origin),), parts={"path": "/cache"})
    tree = Tree(Manifest((Entry("cache", "dir", 0, mode, "", owner),)))
    return Vertex("inline", ("cache", mode, owner), tree=tree)


def _mount_key(mount: Mount, target: str, around: Surroundings) -> Hashable:
    """What counts of a mount.

    The id and sharing of a cache mount count only while the id is the target and the sharing is `shared`: BuildKit
    (checkShouldClearCacheOpts) leaves that case as older versions had it.
    """
    if mount.kind == "tmpfs":
        return ("tmpfs", mount.read_only, _bytes(mount.option("size") or ""))
    if mount.kind == "bind":
        return ("bind", mount.read_only)
    namespace = around.situation.build_args.get("BUILDKIT_CACHE_MOUNT_NS", "")
    identity = f"{namespace}/{mount.option('id') or posixpath.normpath(mount.target)}"
    shared = (mount.option("sharing") or "shared").lower() == "shared"
    plain = shared and (identity == target or identity.partition("/")[2] == target)
    return ("cache", mount.read_only, identity if plain else "")


def _secret(mount: Mount) -> Hashable:
    target, name = mount.target, mount.option("id") or mount.source
    if mount.kind == "secret":
        name = name or posixpath.basename(target)
        if not target and mount.option("env") is None:
            target = f"/run/secrets/{posixpath.basename(name)}"
    required = _is_required(mount)
    mode = int(mount.option("mode") or ("400" if mount.kind == "secret" else "600"), 8)
    owner = tuple(int(mount.option(option) or "0") for option in ("uid", "gid"))
    return (mount.kind, name, target, required, mount.option("env"), mode, owner)


def _is_required(mount: Mount) -> bool:
    return mount.kind in ("secret", "ssh") and BOOLEAN_WORDS.get(mount.option("required") or "", False)


def _secret_of(mount: Mount) -> Secret:
    """A secret or agent by the name that the Dockerfile gives it."""
    if mount.kind == "ssh":
        return Secret(mount.option("id") or "default", "ssh")
    return Secret(mount.option("id") or mount.source or posixpath.basename(mount.target), "secret")


_MOST_BYTES = 1 << 63


def _bytes(text: str) -> int:
    """`1m` and `1MiB` are 1048576, as docker/go-units reads sizes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", text.strip().lower())
    return int(min(float(match[1]) * 1024 ** " kmgtp".index(match[2] or " "), _MOST_BYTES)) if match else 0


def _inputs(before: Vertex | None, mounted: list[_Mounted]) -> tuple[Input, ...]:
    """The vertex before comes first and counts by its key, unless a mount shows it, too: then by all of its bytes."""
    paths: dict[Vertex, list[str]] = {} if before is None else {before: ["/"]}
    for mount in mounted:
        if mount.vertex is not None:
            paths.setdefault(mount.vertex, []).append(mount.source)
    return tuple(
        Input(vertex)
        if vertex is before and len(read) == 1
        else Input(vertex, tuple(Selector(path) for path in read), by_content=True)
        for vertex, read in paths.items()
    )


def _shm_size(around: Surroundings) -> str:
    return around.situation.options.get("shm-size", "")


def _network(instruction: Instruction, around: Surroundings) -> str:
    own = (instruction.flag("network") or "default").lower()
    if own == "host":
        raise DockerfileError("Dockerfile: failed to load LLB: network.host is not allowed.")
    return around.situation.options.get("network", "default") if own == "default" else own


def _options(instruction: Instruction, around: Surroundings) -> Hashable:
    """What the build command adds to every RUN. Of `--add-host` only the name counts."""
    options = around.situation.options
    hosts = tuple(entry.partition(":")[0] for entry in options.get("add-host", "").split(",") if entry)
    rest = tuple(options.get(name, "") for name in ("ulimit", "cgroup-parent"))
    return (hosts, rest, instruction.flag("security") or "sandbox", instruction.flag_values("device"))
