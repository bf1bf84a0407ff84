"""Docker engines beside the user's: a second one with containerd's image store, and private ones for the table of faults.

Each is empty at first, keeps all its files in a folder of its own, and is removed with all that it holds.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from speedkit.engine.base_images import resolve_base
from speedkit.engine.connection import Engine, connect
from speedkit.errors import EngineError

__all__ = [
    "NoSecondEngine",
    "engine_with_containerd_store",
    "is_in_private_network",
    "load_base_image",
    "reason_against",
    "run_in_private_network",
    "start_daemon",
    "started_engine",
]

SYSTEM_CONTAINERD = Path("/run/containerd/containerd.sock")
IN_A_NETWORK_OF_ITS_OWN = ("unshare", "--net")
STARTS_WITHIN_SECONDS = 60
ENDS_WITHIN_SECONDS = 30
BASE_ARCHIVE = "SPEEDKIT_PRIVATE_NETWORK_BASE"
"""Set in a private network alone: the archive of the base image."""
ROOT = Path(__file__).resolve().parents[1]


class NoSecondEngine(Exception):
    """A second engine did not start; the message holds its last words."""


@contextmanager
def engine_with_containerd_store() -> Iterator[Engine]:
    """An empty engine in a network of its own, without a way out. Skips the test, with the reason, where none can run.

    It keeps its images in containerd's store as Docker Desktop and Docker Engine 29 do.
    """
    if reason := reason_against():
        pytest.skip(f"No second engine can run here: {reason}.")
    settings = {"features": {"containerd-snapshotter": True}}
    try:
        with started_engine(settings=settings, network=IN_A_NETWORK_OF_ITS_OWN) as engine:
            assert engine.storage_driver == "overlayfs"
            yield engine
    except NoSecondEngine as problem:
        pytest.skip(f"No second engine can run here: {problem}")


def reason_against() -> str:
    """Why no second engine can run on this machine; "" when one can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root may start one"
    for program in ("dockerd", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if SYSTEM_CONTAINERD.exists():
        return f"it would keep its images with those of the containerd at {SYSTEM_CONTAINERD}"
    tried = subprocess.run([*IN_A_NETWORK_OF_ITS_OWN, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()


@contextmanager
def started_engine(
    *,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, object] | None = None,
    network: Sequence[str] = (),
) -> Iterator[Engine]:
    """An engine that answers, and that DOCKER_HOST does not name. Arguments as in `start_daemon`."""
    with start_daemon(options=options, environment=environment, settings=settings, network=network) as (_, host):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", host)
            engine = connect()
        yield engine


@contextmanager
def start_daemon(
    *,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, object] | None = None,
    network: Sequence[str] = (),
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A dockerd of its own, as a process and as an address for DOCKER_HOST; it answers already.

    options, environment: of dockerd. settings: its daemon.json. network: the words before the command, such as
    `IN_A_NETWORK_OF_ITS_OWN`; without any, whoever calls this must be in a network namespace already.
    Raises: NoSecondEngine.
    """
    # A socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="sk-", dir="/tmp"))
    (folder / "daemon.json").write_text(json.dumps(settings or {}))
    places = {"config-file": "daemon.json", "data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    # What `options` sets itself is not set here: dockerd refuses a flag that is given twice.
    own = [
        f"--{name}={folder / place}" for name, place in places.items() if not any(o.startswith(f"--{name}") for o in options)
    ]
    host = f"unix://{folder}/docker.sock"
    command = [*network, "dockerd", *own, f"--host={host}", "--iptables=false", "--ip6tables=false", *options]
    log = folder / "log"
    try:
        with log.open("wb") as output:
            daemon = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | {"TMPDIR": str(folder)} | dict(environment or {}),
                start_new_session=True,
            )
        try:
            _wait_until_it_answers(daemon, host, log)
            yield daemon, host
        finally:
            daemon.terminate()
            daemon.wait(ENDS_WITHIN_SECONDS)
    finally:
        _end_what_is_left(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _end_what_is_left(folder: Path) -> None:
    """Containers of an engine that was killed go on, each below a process that names the engine's folder, and mounts stay."""
    shims = subprocess.run(["pgrep", "-f", f"{folder}/"], capture_output=True, text=True, check=False).stdout.split()
    children = [
        pid
        for shim in shims
        for pid in subprocess.run(["pgrep", "-P", shim], capture_output=True, text=True, check=False).stdout.split()
    ]
    for pid in (*children, *shims):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in sorted((place for place in mounts if place.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "-l", place], capture_output=True, check=False)


def _wait_until_it_answers(daemon: subprocess.Popen[bytes], host: str, log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", host)
        while daemon.poll() is None and time.monotonic() < until:
            try:
                connect()
            except EngineError:
                time.sleep(0.1)
            else:
                return
    daemon.kill()
    last = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise NoSecondEngine(f"dockerd did not start: {''.join(last)}")


def is_in_private_network() -> bool:
    """Whether this program was started by `run_in_private_network`."""
    return BASE_ARCHIVE in os.environ


def run_in_private_network(module: str) -> int:
    """Run a module with this program's arguments in a network that has loopback alone; its exit code.

    The base image is fetched before, from the user's engine, for `load_base_image`.
    """
    user_engine = connect()
    with tempfile.TemporaryDirectory(prefix="speedkit-base-") as folder:
        archive = Path(folder) / "base.tar"
        with archive.open("wb") as file:
            for piece in user_engine.api.get_image(resolve_base(user_engine, "alpine").used):
                file.write(piece)
        inside = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-m", module, *sys.argv[1:]]
        environment = os.environ | {BASE_ARCHIVE: str(archive), "PYTHONPATH": str(ROOT)}
        return subprocess.run([*IN_A_NETWORK_OF_ITS_OWN, *inside], env=environment, check=False).returncode


def load_base_image(name: str) -> None:
    """Give the engine that DOCKER_HOST names the base image, under this name alone."""
    api = connect().api
    with Path(os.environ[BASE_ARCHIVE]).open("rb") as archive:
        loaded = list(api.load_image(archive))
    fetched = next(line["stream"] for line in loaded if "Loaded image" in line.get("stream", "")).split(": ")[1].strip()
    api.tag(fetched, *name.split(":"))
    api.remove_image(fetched)
