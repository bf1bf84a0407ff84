"""Host commands as steps of a build: run, timed, and reported as the rawjson lines that BuildKit would write for a vertex."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from speedkit.engine import CancellableCommand, find_go
from speedkit.ownership import claim
from speedkit.recordings import HOST_PREFIX
from speedkit.state import state_folder

__all__ = ["FOR_AN_IMAGE", "host_environment", "run_host_command"]

FOR_AN_IMAGE = {"CGO_ENABLED": "0", "GOOS": "linux"}
"""Settings of Go for a program that is compiled on the host and runs in an image: Linux, and no C library of the host's."""


def host_environment(isolation: str | None) -> dict[str, str]:
    """The environment of a host command.

    isolation: a token; builds with equal tokens share private Go caches, which are empty at first. The user's own caches stay
    as they are. Where PATH leads to no Go that is new enough, the Go that is installed beside this Python comes first.
    """
    environment = dict(os.environ)
    go = find_go()
    if go is not None and str(go) != shutil.which("go"):
        environment["PATH"] = os.pathsep.join([str(go.parent), environment.get("PATH", os.defpath)])
    if isolation is not None:
        caches = state_folder("host-caches") / isolation
        claim(caches)
        environment |= {"GOCACHE": str(caches / "build"), "GOMODCACHE": str(caches / "mod")}
        # Go makes its module cache read-only, and such a folder cannot be removed again.
        environment["GOFLAGS"] = f"{environment.get('GOFLAGS', '')} -modcacherw".strip()
    return environment


def run_host_command(
    argv: tuple[str, ...],
    *,
    place: int,
    count: int,
    folder: Path,
    environment: Mapping[str, str],
    command: CancellableCommand,
    on_line: Callable[[bytes], None],
) -> int:
    """The exit code of one host command of a strategy, once it has ended. on_line: gets its rawjson lines as they come.

    place, count: the command is number `place` of `count`, from 1. An exit code of 127 means that it could not be started.
    """
    name = f"{HOST_PREFIX}{place}/{count}] {shlex.join(argv)}"
    digest = f"sha256:{hashlib.sha256(f'{folder}{name}{time.time_ns()}'.encode()).hexdigest()}"
    vertex = {"digest": digest, "name": name, "started": _now()}
    on_line(_line({"vertexes": [vertex]}))

    def on_output(output: bytes) -> None:
        data = b64encode(output).decode()
        on_line(_line({"logs": [{"vertex": digest, "stream": 1, "data": data, "timestamp": _now()}]}))

    try:
        code = command.run(list(argv), env=environment, cwd=folder, on_line=on_output)
    except OSError as problem:
        on_output(f"{argv[0]}: {problem.strerror}\n".encode())
        code = 127
    ended = {"completed": _now()}
    if code:
        # In BuildKit's words, by which readers of a recording recognize a cancelled step.
        ended["error"] = "context canceled" if command.cancelled else f"{shlex.join(argv)}: exit code {code}"
    on_line(_line({"vertexes": [vertex | ended]}))
    return code


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _line(status: object) -> bytes:
    return json.dumps(status).encode() + b"\n"
