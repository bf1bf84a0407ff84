"""RUN as a vertex.

Source: moby/buildkit, frontend/dockerfile/dockerfile2llb (dispatchRun, dispatchRunMounts) and solver/llbsolver/ops/exec.go
(CacheMap). The shell replaces the variables of a command, not BuildKit: the text counts as it stands, and so does every
variable, used or not. A bind mount counts by the bytes that it shows. The content of a cache mount never counts.
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
from .vertices import Edge, Vertex

if TYPE_CHECKING:
    from collections.abc import Hashable

    from speedkit.dockerfile import Instruction, StageEnvironment

    from .vertices import Planner

__all__ = ["run_vertex"]

_AFTER_UMASK = 0o755
"""The bits of a mode that the engine's umask, 022, leaves in a folder that it makes."""
_PIPES = "/dev/pipes/"
_MOST_BYTES = 1 << 63


class _MountInKey:
    """One mount as it counts in the cache key. source: the path in the vertex that is mounted."""

    def __init__(self, target: str, key: Hashable, vertex: Vertex | None, source: str) -> None:
        self.target = target
        self.key = key
        self.vertex = vertex
        self.source = source


def run_vertex(
    instruction: Instruction, stage: str, before: Vertex | None, environment: StageEnvironment, planner: Planner
) -> Vertex:
    """The vertex of a RUN."""
    mounts = mounts_of(instruction, expand=lambda word: environment.expand(word, instruction, planner.dockerfile.escape))
    command, script = _command(instruction, environment)
    counted = [
        _mount_in_key(mount, instruction.line, environment, planner) for mount in mounts if mount.kind not in ("secret", "ssh")
    ]
    if script is not None:
        counted.append(_MountInKey(_PIPES, ("bind", True), script, "/"))
    shared_memory = None
    if shm_size := planner.situation.options.get("shm-size", ""):
        shared_memory = _MountInKey("/dev/shm", ("tmpfs", False, _bytes(shm_size)), None, "/")  # noqa: S108
        counted.append(shared_memory)
    # client/llb/exec.go sorts the mounts by target, so their order in the instruction does not count.
    counted.sort(key=lambda mount: mount.target)
    inputs = _inputs(before, counted)
    # Each mount has the number of its input in the key, so two mounts that swap their stages are a miss.
    order = tuple(next((n for n, edge in enumerate(inputs) if edge.vertex is mount.vertex), -1) for mount in counted)
    secrets = tuple(_secret_key(mount) for kind in ("secret", "ssh") for mount in mounts if mount.kind == kind)
    options = planner.situation.options
    parts: dict[str, Hashable] = {
        "command": command,
        "variables": tuple(_run_variables(environment, mounts).items()),
        "unknown_base": environment.unknown_base,
        "workdir": environment.workdir,
        "user": environment.user,
        "mounts": (tuple((mount.target, mount.key) for mount in counted if mount is not shared_memory), secrets),
        "shm-size": shared_memory.key if shared_memory is not None else "",
        "network": _network(instruction, planner),
        # CacheMap empties the addresses of `--add-host`, so only the names count.
        "add-host": tuple(entry.partition(":")[0] for entry in options.get("add-host", "").split(",") if entry),
        "ulimit": options.get("ulimit", ""),
        "cgroup-parent": options.get("cgroup-parent", ""),
        "security": instruction.flag("security") or "sandbox",
        "device": instruction.flag_values("device"),
        "hostname": planner.situation.build_args.get("BUILDKIT_SANDBOX_HOSTNAME", ""),
        "platform": environment.platform,
    }
    operation = ("run", tuple(parts.items()), order, before is not None)
    required = (_secret(mount) for mount in mounts if _is_required(mount))
    available = {"secret": planner.situation.secrets, "ssh": planner.situation.agents}
    missing_secrets = tuple(one for one in required if one.name not in available[one.kind])
    return Vertex("run", operation, inputs, line=instruction.line, stage=stage, parts=parts, missing_secrets=missing_secrets)


def _command(instruction: Instruction, environment: StageEnvironment) -> tuple[tuple[str, ...], Vertex | None]:
    """The command line, and the mounted script that a here-document with `#!` becomes (dispatchRun)."""
    words = instruction.args
    script = None
    if instruction.heredocs and len(words) == 1:
        first = instruction.heredocs[0]
        if heredoc_mark(words[0]) is None:
            # A command with here-documents in it: the shell reads them, so their text is put behind the command again.
            words = (words[0] + "".join(f"\n{doc.content}{doc.name}" for doc in instruction.heredocs),)
        elif first.content.startswith("#!"):
            script = inline_file(first.name, first.body, mode=0o755)
            words = (f"{_PIPES}{first.name}",)
        else:
            words = (first.body,)
    command = words if instruction.json else (*environment.shell, " ".join(words))

    # A command that cannot be sent to BuildKit ends the build, and the error names no line.
    problem = "" if command else "arguments are required"
    if any(NOT_UTF8.search(word) for word in command):
        problem = "string field contains invalid UTF-8"
    if problem:
        raise DockerfileError(f"Dockerfile: failed to marshal LLB definition: {problem}.")
    return command, script


def _run_variables(environment: StageEnvironment, mounts: tuple[Mount, ...]) -> dict[str, str]:
    """The variables that the command sees. client/llb/exec.go adds one for a mounted SSH agent, behind the others."""
    variables = dict(environment.variables)
    agents = [mount for mount in mounts if mount.kind == "ssh"]
    if agents and "SSH_AUTH_SOCK" not in variables:
        variables["SSH_AUTH_SOCK"] = agents[0].target or "/run/buildkit/ssh_agent.0"
    return variables


def _refuse(reason: str, line: int) -> NoReturn:
    raise DockerfileError(message("Dockerfile, line {line}: {reason}.", line=line, reason=reason), line=line)


def _mount_in_key(mount: Mount, line: int, environment: StageEnvironment, planner: Planner) -> _MountInKey:
    target = normalized_path(environment.workdir, mount.target) if not mount.target.startswith("/") else mount.target
    if target == "/":
        _refuse('invalid mount target "/"', line)
    if mount.origin and planner.is_later_stage(mount.origin, numeric=False):
        where = f'cannot mount from stage "{mount.origin}" to "{mount.target}"'
        _refuse(f"{where}, stage needs to be defined before current command", line)
    if mount.kind == "tmpfs" or (mount.kind == "cache" and not mount.origin):
        vertex = None
    else:
        vertex = planner.source(mount.origin, numeric=False) if mount.origin else planner.context
    source = normalized_path("/", mount.source)
    if source == "/" and mount.kind == "cache" and (folder := _cache_folder(mount, vertex)) is not None:
        vertex, source = folder, "/cache"
    return _MountInKey(target, _mount_key(mount, target, planner), vertex, source)


def _cache_folder(mount: Mount, origin: Vertex | None) -> Vertex | None:
    """The vertex "setting cache mount permissions", a folder that BuildKit makes for mode, uid and gid (setCacheUIDGID)."""
    options = {name: mount.option(name) for name in ("mode", "uid", "gid")}
    if not any(options.values()):
        return None
    mode = int(options["mode"] or "755", 8) & _AFTER_UMASK
    folder_owner = f"{int(options['uid'] or 0)}:{int(options['gid'] or 0)}"
    if origin is not None:
        return Vertex("file", ("mkdir", "/cache", mode, folder_owner), (Edge(origin),), parts={"path": "/cache"})
    tree = Tree(Manifest((Entry("cache", "dir", 0, mode, "", folder_owner),)))
    return Vertex("inline", ("cache", mode, folder_owner), tree=tree)


def _mount_key(mount: Mount, target: str, planner: Planner) -> Hashable:
    """The part of the RUN's cache key that a mount makes, besides its target and what is read from it."""
    if mount.kind == "tmpfs":
        return ("tmpfs", mount.read_only, _bytes(mount.option("size") or ""))
    if mount.kind == "bind":
        return ("bind", mount.read_only)
    # BuildKit clears id and sharing of a cache mount from the key, but not those of "a dockerfile default cache mount": an id
    # equal to the target, and sharing `shared`. So keys of older versions still match (exec.go, checkShouldClearCacheOpts).
    namespace = planner.situation.build_args.get("BUILDKIT_CACHE_MOUNT_NS", "")
    identity = f"{namespace}/{mount.option('id') or posixpath.normpath(mount.target)}"
    is_shared = (mount.option("sharing") or "shared").lower() == "shared"
    is_default = is_shared and (identity == target or identity.partition("/")[2] == target)
    return ("cache", mount.read_only, identity if is_default else "")


def _secret_key(mount: Mount) -> Hashable:
    target, name = mount.target, mount.option("id") or mount.source
    if mount.kind == "secret":
        name = name or posixpath.basename(target)
        if not target and mount.option("env") is None:
            target = f"/run/secrets/{posixpath.basename(name)}"
    mode = int(mount.option("mode") or ("400" if mount.kind == "secret" else "600"), 8)
    owner = tuple(int(mount.option(option) or "0") for option in ("uid", "gid"))
    return (mount.kind, name, target, _is_required(mount), mount.option("env"), mode, owner)


def _is_required(mount: Mount) -> bool:
    return mount.kind in ("secret", "ssh") and BOOLEAN_WORDS.get(mount.option("required") or "", False)


def _secret(mount: Mount) -> Secret:
    """The secret or SSH agent by its name in the Dockerfile."""
    if mount.kind == "ssh":
        return Secret(mount.option("id") or "default", "ssh")
    return Secret(mount.option("id") or mount.source or posixpath.basename(mount.target), "secret")


def _bytes(text: str) -> int:
    """The size in bytes, as docker/go-units reads it: `1m` and `1MiB` are 1048576."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", text.strip().lower())
    return int(min(float(match[1]) * 1024 ** " kmgtp".index(match[2] or " "), _MOST_BYTES)) if match else 0


def _inputs(before: Vertex | None, mounts: list[_MountInKey]) -> tuple[Edge, ...]:
    """The inputs of a RUN, the vertex before first.

    The vertex before is the root mount, which counts by its key alone: to hash a whole root file system would be expensive. A
    stage that is both the root and a mount counts by its bytes all the same, because its last mount decides
    (exec.go, getMountDeps).
    """
    paths: dict[Vertex, list[str]] = {} if before is None else {before: ["/"]}
    for mount in mounts:
        if mount.vertex is not None:
            paths.setdefault(mount.vertex, []).append(mount.source)
    return tuple(
        Edge(vertex)
        if vertex is before and len(read_paths) == 1
        else Edge(vertex, tuple(Selector(path) for path in read_paths), by_content=True)
        for vertex, read_paths in paths.items()
    )


def _network(instruction: Instruction, planner: Planner) -> str:
    own = (instruction.flag("network") or "default").lower()
    of_build = planner.situation.options.get("network", "default")
    if own == "host" and of_build != "host":
        # A right ("entitlement") that a plain build has not. buildx gives it to a build with `--network=host`.
        raise DockerfileError(
            "Dockerfile: failed to load LLB: network.host is not allowed.",
            line=instruction.line,
            fix=message("Build with --network host, which gives the build this right."),
        )
    return of_build if own == "default" else own
