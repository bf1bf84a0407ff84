"""Runs buildx for a build, in a process group of its own, and passes on its lines as they come."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from speedkit.errors import NoBuildKit
from speedkit.messages import message
from speedkit.ownership import scratch_folder
from speedkit.recordings import vertex_lines

from .base_images import has_image
from .build_request import BAKE_TARGET, BuildRequest, buildx_call, command_line, without_definition
from .children import child_process, signal_group
from .connection import Engine
from .docker_settings import buildx_folder

__all__ = ["ASKS_FOR_LINES", "BuildRequest", "CancellableCommand", "SolveResult", "command_line", "run_buildx"]

ASKS_FOR_LINES = {"BUILDX_METADATA_PROVENANCE": "max"}
"""The environment variable that makes buildx write the provenance, into the metadata file and not into the image."""

GRACE_SECONDS = 2.0
INTERRUPTED = 130
"""A shell's exit code for a program that SIGINT ended."""


@dataclass(frozen=True, slots=True)
class SolveResult:
    """How a build command ended: its exit code, and the image's id when it made one.

    vertex_lines: by vertex digest, the ranges of lines in the Dockerfile; empty where the build failed. reference: the name of
    the build in the history of the builder; None where the build failed.
    """

    exit_code: int
    image: str | None
    vertex_lines: dict[str, list[list[int]]] = field(default_factory=dict)
    reference: str | None = None


class CancellableCommand:
    """A command in a process group of its own, which can be cancelled from any thread.

    `cancel` sends SIGINT to the whole group, and SIGKILL two seconds later if the command still runs.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._killer: threading.Timer | None = None
        self.cancelled = False

    def run(self, argv: list[str], *, env: Mapping[str, str], cwd: Path, on_line: Callable[[bytes], None]) -> int:
        """Run the command to its end, and pass on each line of output and error output. Returns the exit code.

        The command is killed when this process ends, and when `on_line` raises an error.
        Raises: OSError when it cannot be started.
        """
        with ExitStack() as opened:
            # The lock covers the start as well: a cancel before it prevents the start, and a later one finds the process.
            with self._lock:
                if self.cancelled:
                    return INTERRUPTED
                child = child_process(argv, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                process = self._process = opened.enter_context(child)
            if process.stdout is None:
                raise AssertionError("the pipe was asked for above")
            with process.stdout as lines:
                for line in lines:
                    on_line(line)
            code = process.wait()
        if self._killer is not None:
            self._killer.cancel()
        return code

    def cancel(self) -> None:
        """End the command. Does nothing when it has ended already."""
        with self._lock:
            self.cancelled = True
            process = self._process
        if process is None or process.poll() is not None:
            return
        signal_group(process, signal.SIGINT)

        def kill() -> None:
            if process.poll() is None:
                signal_group(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

        self._killer = threading.Timer(GRACE_SECONDS, kill)
        self._killer.daemon = True
        self._killer.start()


def run_buildx(
    engine: Engine, request: BuildRequest, *, command: CancellableCommand, on_line: Callable[[bytes], None]
) -> SolveResult:
    """Build, and pass on each raw line of the progress. Returns the exit code and the image's id.

    Raises: NoBuildKit when buildx cannot be started.
    """
    # The plugin's binary runs directly: through the `docker` command it would start later.
    with scratch_folder() as scratch:
        metadata = scratch / "metadata.json"
        argv, environment = buildx_call(engine, _with_private_copy(request, scratch), scratch, metadata)
        if request.builder is None and not _is_config_writable(environment):
            environment = environment | {"BUILDX_CONFIG": str(scratch)}
        on_line = without_definition(scratch, on_line)
        try:
            code = command.run(argv, env={**environment, **ASKS_FOR_LINES}, cwd=request.context, on_line=on_line)
        except OSError as problem:
            raise NoBuildKit(
                message("buildx could not be started: {problem}.", problem=problem.strerror or problem),
                fix=message("Check the file {program}, or install buildx again.", program=argv[0]),
            ) from None
        if code:
            return SolveResult(code, None)
        document = _metadata(metadata)
        lines = vertex_lines(document.get("buildx.build.provenance"))
        # `BUILDER/NODE/REFERENCE`
        reference = str(document.get("buildx.build.ref") or "").rpartition("/")[2] or None
        return SolveResult(code, _image_id(engine, document), lines, reference)


def _is_config_writable(environment: Mapping[str, str]) -> bool:
    """Whether buildx can write to its folder of builders and builds. Without that, it does not build at all."""
    folder = buildx_folder(environment)
    # buildx runs in the folder of the build context, so with a relative path it would write its files there.
    if not folder.is_absolute():
        return False
    return os.access(next(place for place in (folder, *folder.parents) if place.exists()), os.W_OK | os.X_OK)


def _with_private_copy(request: BuildRequest, scratch: Path) -> BuildRequest:
    """The request with `dockerfile_text` written to a private file of the Dockerfile's name. The build context stays the same.

    BuildKit reads `NAME.dockerignore` beside the Dockerfile NAME, so that file is copied as well.
    """
    if request.dockerfile_text is None:
        return request
    folder = scratch / "dockerfile"
    folder.mkdir(mode=0o700)
    copy = folder / request.dockerfile.name
    copy.write_bytes(request.dockerfile_text.encode("utf-8", "surrogateescape"))
    own_ignore_file = request.dockerfile.with_name(f"{request.dockerfile.name}.dockerignore")
    # BuildKit ignores such a file if it is a symlink that leaves the folder (docs/buildkit-cache-rules.md).
    if own_ignore_file.is_file() and own_ignore_file.resolve().is_relative_to(request.dockerfile.parent.resolve()):
        shutil.copyfile(own_ignore_file, folder / own_ignore_file.name)
    return replace(request, dockerfile=copy)


def _metadata(file: Path) -> dict[str, Any]:
    """The metadata that buildx wrote about a build; {} when it cannot be read."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    # Bake writes one document for each target of its definition.
    document = document.get(BAKE_TARGET, document) if isinstance(document, dict) else {}
    return document if isinstance(document, dict) else {}


def _image_id(engine: Engine, metadata: Mapping[str, Any]) -> str | None:
    """The id by which the engine has the image; None where the metadata names no image."""
    # The id is the manifest's digest in containerd's image store, and the config's digest in Docker's own store. A builder
    # outside of the engine writes both, so the engine that loaded the image is asked which of them it has.
    values = [metadata.get(f"containerimage.{name}") for name in ("digest", "config.digest")]
    digests = list(dict.fromkeys(digest for digest in values if isinstance(digest, str)))
    if not digests:
        return None
    return next((digest for digest in digests[:-1] if has_image(engine, digest)), digests[-1])
