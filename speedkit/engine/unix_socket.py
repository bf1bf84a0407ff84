"""HTTP requests to an engine on this machine over its Unix socket, without Docker's client library.

The library takes a tenth of a second to import, which is long for `speedkit layers`. Python's own http.client reads the
answers.
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
"""The limit for a JSON document. An image may be larger, and is read in pieces."""
PIECE_BYTES = 1 << 18
QUIET_SECONDS = 30.0
PING_SECONDS = 10.0


@contextmanager
def get(host: str, path: str, *, seconds: float | None = None) -> Iterator[Answer]:
    """The engine's answer to a GET, once its status and headers are here.

    host: the address, `unix://…`. path: with the API version. seconds: how long the engine may be silent; None for ever.
    Raises: OSError.
    """
    with _sent(host, path, seconds) as line:
        answer = Answer(_Received(line))
        answer.wait_for_head()
        yield answer


@contextmanager
def ask(host: str, path: str) -> Iterator[Answer]:
    """Send a GET now. The answer is waited for when it is first read.

    The engine may take any time. Whenever it is silent for 30 seconds, a ping checks that it still answers.
    Raises: OSError, also while the answer is read.
    """
    with _sent(host, path, None) as line:
        line.settimeout(QUIET_SECONDS)
        yield Answer(_Received(line, partial(_require_answer, host)))


@contextmanager
def _sent(host: str, path: str, seconds: float | None) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(seconds)
        line.connect(host.removeprefix(UNIX))
        # HTTP/1.0 has no chunks. In HTTP/1.1, the engine would send an archive in chunks of 32 KiB, which take time to undo.
        line.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        yield line


def _require_answer(host: str) -> None:
    """Raises: OSError when the engine does not answer a ping."""
    with get(host, "/_ping", seconds=PING_SECONDS):
        return


class _Received(io.RawIOBase):
    """The bytes from a socket, as a file.

    when_silent: called each time the socket's timeout passes without a byte; it raises when the engine no longer answers.
    None lets the timeout raise.
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
    """A buffered reader that raises where a line ends without its line end."""

    def readline(self, size: int | None = -1) -> bytes:
        # http.client would take a head that breaks off for a whole one.
        text = super().readline(size)
        if not text.endswith(b"\n"):
            raise _no_http()
        return text

    def makefile(self, _mode: str) -> _WholeLines:
        """This reader. HTTPResponse calls this method of its socket, and no other."""
        return self


def _no_http() -> ConnectionError:
    return ConnectionError(message("what listens there does not speak HTTP"))


@contextmanager
def _whole_chunks() -> Iterator[None]:
    """Raises: OSError for chunks that break off. The engine may send chunks although it was asked for none."""
    try:
        yield
    except (HTTPException, ValueError):
        raise ConnectionError(message("the answer ends in the middle")) from None


class Answer:
    """An HTTP answer: the status, its reason, the headers with names in title case, and a body that is still to be read.

    The first use of any of them waits for the answer, and may raise OSError.
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
        """The body in pieces as they arrive, each of 256 KiB at most."""
        response = self.wait_for_head()
        with _whole_chunks():
            yield from iter(lambda: response.read1(PIECE_BYTES), b"")

    def read_all(self) -> bytes:
        """The whole body.

        Raises: OSError when there is less than was announced.
        """
        announced = self.wait_for_head().length
        if (announced is None and "Content-Length" in self.headers) or (announced or 0) > BODY_BYTES_AT_MOST:
            raise _no_http()
        with _whole_chunks():
            body = self._response.read(BODY_BYTES_AT_MOST + 1)
        if len(body) > BODY_BYTES_AT_MOST:
            raise ConnectionError(message("the answer does not end"))
        if len(body) < (announced or 0):
            raise ConnectionError(message("the answer ends in the middle"))
        return body
