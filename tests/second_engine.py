"""A second Docker engine, which keeps its images in containerd's store as Docker Desktop and Docker Engine 29 do.

It has a network of its own, without a way out, so that nothing of the first engine's is touched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from speedkit.engine.connection import Engine, connect
from speedkit.errors import EngineError

__all__ = ["engine_with_containerd_store"]

SYSTEM_CONTAINERD = Path("/run/containerd/containerd.sock")
IN_A_NETWORK_OF_ITS_OWN = ("unshare", "--net")
STARTS_WITHIN_SECONDS = 60
ENDS_WITHIN_SECONDS = 30


@contextmanager
def engine_with_containerd_store() -> Iterator[Engine]:
    """An empty engine, which is removed with all that it holds. Skips the test, with the reason, where none can run."""
    if reason := _cannot_run():
        pytest.skip(f"No second engine can run here: {reason}.")
    # A socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="sk-"))
    (folder / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    places = {"config-file": "daemon.json", "data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    options = [f"--{name}={folder / place}" for name, place in places.items()]
    host = f"unix://{folder}/docker.sock"
    command = [*IN_A_NETWORK_OF_ITS_OWN, "dockerd", *options, f"--host={host}", "--iptables=false", "--ip6tables=false"]
    log = folder / "log"
    try:
        with log.open("wb") as output:
            daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield _answering(daemon, host, log)
        finally:
            daemon.terminate()
            daemon.wait(ENDS_WITHIN_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cannot_run() -> str:
    """The reason, or nothing."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root may start one"
    for program in ("dockerd", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if SYSTEM_CONTAINERD.exists():
        return f"it would keep its images with those of the containerd at {SYSTEM_CONTAINERD}"
    tried = subprocess.run([*IN_A_NETWORK_OF_ITS_OWN, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()


def _answering(daemon: subprocess.Popen[bytes], host: str, log: Path) -> Engine:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", host)
        while daemon.poll() is None and time.monotonic() < until:
            try:
                engine = connect()
            except EngineError:
                time.sleep(0.1)
            else:
                assert engine.storage_driver == "overlayfs"
                return engine
    last = log.read_text(errors="replace").strip().splitlines()[-1:]
    pytest.skip(f"No second engine can run here: dockerd did not start: {''.join(last)}")
