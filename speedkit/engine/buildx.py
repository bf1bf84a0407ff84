"""Runs `buildx build` in a process group of its own and hands on its lines as they come."""

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

from .base_images import has_image
from .build_request import BAKE_TARGET, BuildRequest, buildx_call, command_line, without_definition
from .children import child_process, signal_group
from .connection import Engine
from .docker_settings import config_folder
from .provenance import ASKS_FOR_LINES, vertex_lines

__all__ = ["BuildRequest", "Command", "Finished", "command_line", "run_buildx"]

GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a build command ended: its exit code, and the image's id when it made one.

    vertex_lines: the lines of the Dockerfile that BuildKit gives for each vertex, where the build came to its end.
    """

    exit_code: int
    image: str | None
    vertex_lines: dict[str, list[list[int]]] = field(default_factory=dict)


class Command:
    """A command in a process group of its own, which can be cancelled from any thread.

    Cancelling sends SIGINT to the whole group, and SIGKILL when it still runs two seconds later.
    """

    def __init__(self) -> None:
        self._running: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._killer: threading.Timer | None = None
        self.cancelled = False

    def run(self, argv: list[str], *, env: Mapping[str, str], cwd: Path, on_line: Callable[[bytes], None]) -> int:
        """Run to the end, handing on each line of output and error output; the exit code.

        It ends with this process, and with an error that `on_line` raises.
        Raises: OSError when it cannot be started.
        """
        with ExitStack() as opened:
            with self._lock:
                if self.cancelled:
                    return 130
                child = child_process(argv, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                running = self._running = opened.enter_context(child)
            if running.stdout is None:
                raise AssertionError("the pipe was asked for above")
            with running.stdout as lines:
                for line in lines:
                    on_line(line)
            code = running.wait()
        if self._killer is not None:
            self._killer.cancel()
        return code

    def cancel(self) -> None:
        """End the command. Does nothing when it has ended already."""
        with self._lock:
            self.cancelled = True
            running = self._running
        if running is None or running.poll() is not None:
            return
        signal_group(running, signal.SIGINT)
        self._killer = threading.Timer(GRACE_SECONDS, _kill_group, [running])
        self._killer.daemon = True
        self._killer.start()


def _kill_group(running: subprocess.Popen[bytes]) -> None:
    if running.poll() is None:
        signal_group(running, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def run_buildx(engine: Engine, request: BuildRequest, *, command: Command, on_line: Callable[[bytes], None]) -> Finished:
    """Build, handing on each raw line; the exit code and the image's id.

    The plugin's binary is called directly: it starts faster than through the `docker` command. No value of a build arg
    stands on its command line, which every user of the machine can read.
    """
    with scratch_folder() as scratch:
        metadata = scratch / "metadata.json"
        argv, environment = buildx_call(engine, _with_private_copy(request, scratch), scratch, metadata)
        if request.builder is None and not _can_note(environment):
            environment = environment | {"BUILDX_CONFIG": str(scratch)}
        on_line = without_definition(scratch, on_line)
        try:
            code = command.run(argv, env={**environment, **ASKS_FOR_LINES}, cwd=request.context, on_line=on_line)
        except OSError as problem:
            raise NoBuildKit(
                message("buildx could not be started: {problem}.", problem=problem.strerror or problem),
                fix=message("It is {program}.", program=argv[0]),
            ) from None
        if code:
            return Finished(code, None)
        described = _metadata(metadata)
        return Finished(code, _image_id(engine, described), vertex_lines(described))


def _can_note(environment: Mapping[str, str]) -> bool:
    """Whether buildx can keep what it notes of builders and builds, without which it does not build at all.

    Where the home cannot be written to it gives up, and where there is none it would take the folder that is built.
    """
    folder = Path(environment.get("BUILDX_CONFIG") or config_folder(environment) / "buildx")
    if not folder.is_absolute():
        return False
    return os.access(next(place for place in (folder, *folder.parents) if place.exists()), os.W_OK | os.X_OK)


def _with_private_copy(request: BuildRequest, scratch: Path) -> BuildRequest:
    """The request with its other text in a file of the Dockerfile's name; the build context stays as it is.

    BuildKit looks for the `.dockerignore` of one Dockerfile beside it, so a copy of that stands there, too.
    """
    if request.dockerfile_text is None:
        return request
    folder = scratch / "dockerfile"
    folder.mkdir(mode=0o700)
    copy = folder / request.dockerfile.name
    copy.write_bytes(request.dockerfile_text.encode("utf-8", "surrogateescape"))
    own_ignore_file = request.dockerfile.with_name(f"{request.dockerfile.name}.dockerignore")
    # One that is a link out of the folder does not count for BuildKit either.
    if own_ignore_file.is_file() and own_ignore_file.resolve().is_relative_to(request.dockerfile.parent.resolve()):
        shutil.copyfile(own_ignore_file, folder / own_ignore_file.name)
    return replace(request, dockerfile=copy)


def _metadata(file: Path) -> dict[str, Any]:
    """What buildx wrote about a build; {} when it cannot be read."""
    try:
        described = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    # Bake writes it for each target of a definition.
    described = described.get(BAKE_TARGET, described) if isinstance(described, dict) else {}
    return described if isinstance(described, dict) else {}


def _image_id(engine: Engine, metadata: Mapping[str, Any]) -> str | None:
    """The image's id. The containerd image store names images by their manifest, the other store by their config.

    A builder of its own says both of an image, whichever store the engine that loads it has.
    """
    digests = [metadata.get(f"containerimage.{name}") for name in ("digest", "config.digest")]
    known = list(dict.fromkeys(digest for digest in digests if isinstance(digest, str)))
    return next((digest for digest in known[:-1] if has_image(engine, digest)), known[-1]) if known else None
