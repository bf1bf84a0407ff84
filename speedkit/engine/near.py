"""Asks an engine on this machine over its socket, with Python's own library.

The client library of Docker takes a tenth of a second to import, which is long for somebody who only looks at an image.
HTTP/1.0, so that the engine sends an archive as it is: a third less work than undoing HTTP/1.1's chunks of 32 KiB.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse

__all__ = ["UNIX", "ask", "get"]

UNIX = "unix://"


@contextmanager
def get(host: str, path: str, *, seconds: float | None = None) -> Iterator[HTTPResponse]:
    """The engine's answer to a GET, to be read.

    host: its address, `unix://…`. seconds: how long to wait whenever nothing comes; for ever when None.
    Raises: OSError, http.client.HTTPException.
    """
    with ask(host, path, seconds=seconds) as answer:
        yield answer()


@contextmanager
def ask(host: str, path: str, *, seconds: float | None = None) -> Iterator[Callable[[], HTTPResponse]]:
    """Send a GET, and give what waits for the answer: for work that can be done meanwhile.

    Raises: OSError, http.client.HTTPException, the answer too.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(seconds)
        line.connect(host.removeprefix(UNIX))
        line.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        with HTTPResponse(line, method="GET") as response:

            def answer() -> HTTPResponse:
                response.begin()
                return response

            yield answer
