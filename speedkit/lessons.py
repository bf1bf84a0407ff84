"""What the notebooks look at beyond builds: a program's bytes, a running service, a log's downloads."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speedkit.apps import App
from speedkit.errors import SetupError
from speedkit.experiment.host import host_environment
from speedkit.model import Build, Step
from speedkit.state import state_folder

__all__ = ["ask", "downloads", "fingerprint", "go_build", "paths_inside", "running", "second_folder", "slowest_step"]

START_SECONDS = 10.0
LOOK_SECONDS = 0.05


def downloads(build: Build) -> list[str]:
    """The Go modules that a build downloaded, as its log names them: `github.com/gin-gonic/gin v1.10.1`."""
    logs = "\n".join(step.log for step in build.instructions if step.ran)
    return re.findall(r"go: downloading (\S+ v\S+)", logs)


def slowest_step(build: Build) -> Step:
    """The step that took the longest."""
    return max(build.instructions, key=lambda step: step.seconds)


def go_build(app: App, *flags: str, folder: Path | None = None, name: str = "speedup") -> Path:
    """The sample app built on the host with private caches; the program's path.

    flags: more arguments for `go build`. folder: another folder with the same sources.
    Raises: SetupError with the compiler's message.
    """
    place = folder or app.folder
    target = state_folder("programs", app.folder.name) / name
    environment = host_environment(app.begin("host", cold=False)[0]) | {"CGO_ENABLED": "0"}
    argv = ["go", "build", "-buildvcs=false", *flags, "-o", str(target), "."]
    done = subprocess.run(argv, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"go build failed:\n{done.stderr.strip()}")
    return target


def second_folder(app: App) -> Path:
    """The same sources in a folder of another name."""
    place = state_folder("programs", app.folder.name) / "another-folder"
    shutil.copytree(app.folder, place, dirs_exist_ok=True)
    return place


def fingerprint(program: Path) -> str:
    """The first twelve digits of a file's SHA-256: equal files have equal ones."""
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12]


def paths_inside(program: Path, folder: Path | str) -> list[str]:
    """Places of a folder that stand in a program's bytes, each once, sorted."""
    found = re.findall(re.escape(str(folder).encode()) + rb"[\w./@-]*", program.read_bytes())
    return sorted({path.decode() for path in found})


@contextmanager
def running(program: Path) -> Iterator[str]:
    """The program, run on this machine on a free port while the block lasts; its address."""
    port = _free_port()
    process = subprocess.Popen(
        [str(program)], env=os.environ | {"PORT": str(port)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def ask(address: str, text: str) -> str:
    """What the running service answers to a text."""
    with urllib.request.urlopen(f"{address}/echo?text={text}", timeout=5) as reply:  # noqa: S310 (our own address)
        return str(reply.read().decode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ask(address, "ready")
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SetupError("The program did not answer.", fix="Build it again, then repeat the cell.") from None
            time.sleep(LOOK_SECONDS)
        else:
            return
