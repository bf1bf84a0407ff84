"""Asks an engine on this machine over its socket, with Python's own reader of HTTP answers.

Docker's client library takes a tenth of a second to import, which is long for somebody who only looks at an image.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException, HTTPResponse
from typing import cast

from speedkit.messages import message

__all__ = ["UNIX", "Answer", "ask", "get"]

UNIX = "unix://"
BODY_BYTES_AT_MOST = 64 << 20
"""Of a document. What may be larger, an image, is read in pieces."""
PIECE_BYTES = 1 << 18
QUIET_SECONDS = 30.0
PING_SECONDS = 10.0


@contextmanager
def get(host: str, path: str, *, seconds: float | None = None) -> Iterator[Answer]:
    """The engine's answer to a GET, whose head has come.

    host: its address, `unix://…`. seconds: how long the engine may be silent; for ever when None.
    Raises: OSError.
    """
    with _sent(host, path, seconds) as line:
        answer = Answer(_Received(line))
        answer.wait_for_head()
        yield answer


@contextmanager
def ask(host: str, path: str) -> Iterator[Answer]:
    """Send a GET, and wait for the answer only when something of it is read.

    The engine may take its time. When it is silent for a while, it is asked whether it answers at all.
    Raises: OSError, and so does reading the answer.
    """
    with _sent(host, path, None) as line:
        line.settimeout(QUIET_SECONDS)
        yield Answer(_Received(line, partial(_require_answer, host)))


@contextmanager
def _sent(host: str, path: str, seconds: float | None) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(seconds)
        line.connect(host.removeprefix(UNIX))
        # In HTTP/1.0, so that the engine sends an archive as it is and not in chunks of 32 KiB.
        line.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        yield line


def _require_answer(host: str) -> None:
    """Raises: OSError when the engine answers nothing at all."""
    with get(host, "/_ping", seconds=PING_SECONDS):
        return


class _Received(io.RawIOBase):
    """What comes from a socket, as a file.

    when_silent: called each time nothing came for the socket's timeout; raises when nothing will. The timeout is an error
    where there is none.
    """

    def __init__(self, line: socket.socket, when_silent: Callable[[], None] | None = None) -> None:
        self._line, self._when_silent = line, when_silent

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # BufferedReader gives nothing else
        while True:
            try:
                return self._line.recv_into(buffer)
            except TimeoutError:
                if self._when_silent is None:
                    raise
                self._when_silent()


class _WholeLines(io.BufferedReader):
    """Python's reader takes a head that breaks off for a whole one."""

    def readline(self, size: int | None = -1) -> bytes:
        text = super().readline(size)
        if not text.endswith(b"\n"):
            raise _no_http()
        return text

    def makefile(self, _mode: str) -> _WholeLines:
        """As a socket has it: the one thing that HTTPResponse asks of its socket."""
        return self


def _no_http() -> ConnectionError:
    return ConnectionError(message("what listens there does not speak HTTP"))


class Answer:
    """What the engine answers: the status, its words for it, the headers by their usual spelling, and a body to be read.

    The head is waited for when something of the answer is first used.
    Raises: OSError, everywhere.
    """

    def __init__(self, received: io.RawIOBase) -> None:
        self._response = HTTPResponse(cast("socket.socket", _WholeLines(received)))

    def wait_for_head(self) -> HTTPResponse:
        if self._response.headers is None and self._response.isclosed():  # it failed before
            raise _no_http()
        try:
            self._response.begin()  # reads the head once, however often it is called
        except HTTPException:
            raise _no_http() from None
        return self._response

    @property
    def status(self) -> int:
        return self.wait_for_head().status

    @property
    def reason(self) -> str:
        return self.wait_for_head().reason

    @property
    def headers(self) -> dict[str, str]:
        return {name.title(): text for name, text in self.wait_for_head().getheaders()}

    def pieces(self) -> Iterator[bytes]:
        """The body in pieces as they come, of 256 KiB at most."""
        response = self.wait_for_head()
        return iter(lambda: response.read1(PIECE_BYTES), b"")

    def read_all(self) -> bytes:
        """The whole body.

        Raises: OSError when there is less than was announced.
        """
        announced = self.wait_for_head().length
        if (announced is None and "Content-Length" in self.headers) or (announced or 0) > BODY_BYTES_AT_MOST:
            raise _no_http()
        body = self._response.read(BODY_BYTES_AT_MOST + 1)
        if len(body) > BODY_BYTES_AT_MOST:
            raise ConnectionError(message("the answer does not end"))
        if len(body) < (announced or 0):
            raise ConnectionError(message("the answer ends in the middle"))
        return body
