"""A builder of buildx beside the engine's own, for tests: the BuildKit of a second engine, reached as one by itself is.

An engine hands on connections to the BuildKit inside it (`POST /grpc`, upgraded), and buildx's driver `remote` takes any
socket on which a BuildKit answers. So this one is real, has a cache of its own, and sees the images of neither engine.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from speedkit.engine.connection import Engine

__all__ = ["second_builder"]

NAME = "speedkit-second"
UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
PIECE_BYTES = 1 << 16


@contextmanager
def second_builder(engine: Engine) -> Iterator[str]:
    """The name of a builder that is the BuildKit inside an engine. Only this process and its children know it."""
    # A socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="sk-", dir="/tmp") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUILDX_CONFIG", folder)
        place = Path(folder) / "buildkit.sock"
        with _handing_on(place, engine.host.removeprefix("unix://")):
            create = [str(engine.buildx), "create", f"--name={NAME}", "--driver=remote", f"unix://{place}"]
            subprocess.run(create, check=True, capture_output=True, env=os.environ | {"BUILDX_CONFIG": folder})
            yield NAME


@contextmanager
def _handing_on(place: Path, engine_socket: str) -> Iterator[None]:
    """Listens at a socket, and connects whoever comes with the BuildKit behind an engine's socket."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        threading.Thread(target=_accept, args=(listening, engine_socket), daemon=True).start()
        yield
        # On Linux, closing alone leaves `accept` waiting.
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, engine_socket: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            caller, _ = listening.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(engine_socket)
            engine.sendall(UPGRADE)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += engine.recv(1)
            for source, target in ((caller, engine), (engine, caller)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
