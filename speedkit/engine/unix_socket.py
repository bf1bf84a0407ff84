"""Asks an engine on this machine over its socket, without any library for HTTP.

Docker's client library takes a tenth of a second to import and Python's own fifteen milliseconds, which is long for
somebody who only looks at an image. HTTP/1.0, so that the engine sends an archive as it is: a third less work than undoing
HTTP/1.1's chunks of 32 KiB.
"""

from __future__ import annotations

import re
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

from speedkit.go_numbers import whole_number
from speedkit.messages import message

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["UNIX", "Answer", "Fetched", "fetch", "get"]

UNIX = "unix://"
HEAD_BYTES_AT_MOST = 1 << 16
BODY_BYTES_AT_MOST = 64 << 20
"""Of a document. What may be larger, an image, is read in pieces."""
PIECE_BYTES = 1 << 20
PIECES_AT_HAND = 6
MOMENT_MICROSECONDS = 4000
BLANK_LINE = b"\r\n\r\n"
_STATUS = re.compile("[0-9]{3}")
QUIET_SECONDS = 30.0
PING_SECONDS = 10.0


@contextmanager
def get(host: str, path: str, *, seconds: float | None = None) -> Iterator[Answer]:
    """The engine's answer to a GET, to be read.

    host: its address, `unix://…`. seconds: how long to wait whenever nothing comes; for ever when None.
    Raises: OSError.
    """
    with _sent(host, path, seconds) as line:
        yield Answer(line)


@contextmanager
def fetch(host: str, path: str) -> Iterator[Fetched]:
    """Send a GET. From now on a thread takes in the answer, a few pieces ahead of whoever reads it.

    It may take its time. When nothing comes for a while, the engine is asked whether it answers at all.
    Raises: OSError, what is fetched too.
    """
    with _sent(host, path, None) as line:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as fetcher:
            try:
                yield Fetched(line, fetcher, partial(_require_answer, host))
            finally:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)  # ends a read that still waits


@contextmanager
def _sent(host: str, path: str, seconds: float | None) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(seconds)
        line.connect(host.removeprefix(UNIX))
        line.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        yield line


def _require_answer(host: str) -> None:
    """Raises: OSError when the engine answers nothing at all."""
    with get(host, "/_ping", seconds=PING_SECONDS):
        return


class Answer:
    """What the engine says: the status, its words for it, the headers by their usual spelling, and a body to be read.

    Source: https://www.rfc-editor.org/rfc/rfc1945#section-6
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        head = b""
        while BLANK_LINE not in head:
            received = line.recv(HEAD_BYTES_AT_MOST)
            if not received or len(head) > HEAD_BYTES_AT_MOST:
                raise ConnectionError(message("what listens there does not speak HTTP"))
            head += received
        head, _, self._ahead = head.partition(BLANK_LINE)
        first, *headers = head.decode("latin-1").split("\r\n")
        version, _, told = first.partition(" ")
        status, _, self.reason = told.partition(" ")
        if not version.startswith("HTTP/") or _STATUS.fullmatch(status) is None:
            raise ConnectionError(message("what listens there does not speak HTTP"))
        self.status = int(status)
        self.headers = {name.strip().title(): value.strip() for name, _, value in (line.partition(":") for line in headers)}

    def read(self, count: int) -> bytes:
        """The next `count` bytes of the body; fewer only at its end."""
        if not self._ahead:
            # All at once, not each of the engine's pieces of 32 KiB: that is four times the work.
            return self._line.recv(count, socket.MSG_WAITALL)
        taken, self._ahead = self._ahead[:count], self._ahead[count:]
        return taken

    def read_all(self) -> bytes:
        """The whole body.

        Raises: OSError when there is less than was announced.
        """
        announced = whole_number(self.headers.get("Content-Length", "-1"))
        if announced is None or announced > BODY_BYTES_AT_MOST:
            raise ConnectionError(message("what listens there does not speak HTTP"))
        body = bytearray()
        while len(body) != announced and (piece := self.read(HEAD_BYTES_AT_MOST)):
            body += piece
            if len(body) > BODY_BYTES_AT_MOST:
                raise ConnectionError(message("the answer does not end"))
        if len(body) < announced:
            raise ConnectionError(message("the answer ends in the middle"))
        return bytes(body)

    def fill(self, buffer: memoryview, require_answer: Callable[[], None]) -> int:
        """How many bytes of the body the buffer now has; 0 at its end.

        require_answer: called when nothing came for a while; raises when nothing will.
        """
        if self._ahead:
            taken = self.read(len(buffer))
            buffer[: len(taken)] = taken
            return len(taken)
        asked = time.monotonic()
        while True:
            with suppress(BlockingIOError):
                return self._line.recv_into(buffer, len(buffer), socket.MSG_WAITALL)
            if time.monotonic() - asked > QUIET_SECONDS:
                require_answer()
                asked = time.monotonic()


class Fetched:
    """An answer that a thread takes in: the engine need not wait while a piece of it is worked on."""

    def __init__(self, line: socket.socket, fetcher: ThreadPoolExecutor, require_answer: Callable[[], None]) -> None:
        self._fetcher, self._require_answer = fetcher, require_answer
        self._answer = fetcher.submit(self._begin, line)
        self._buffers = [memoryview(bytearray(PIECE_BYTES)) for _ in range(PIECES_AT_HAND)]
        self._filled = deque(map(self._fill, self._buffers))

    @property
    def status(self) -> int:
        return self._answer.result().status

    @property
    def reason(self) -> str:
        return self._answer.result().reason

    def pieces(self) -> Iterator[memoryview]:
        """The body in pieces of 1 MiB; each is overwritten once the next one is asked for."""
        for buffer in cycle(self._buffers):
            if not (count := self._filled.popleft().result()):
                return
            yield buffer[:count]
            self._filled.append(self._fill(buffer))

    def _begin(self, line: socket.socket) -> Answer:
        while not _is_readable(line, QUIET_SECONDS):
            self._require_answer()
        line.settimeout(QUIET_SECONDS)
        answer = Answer(line)
        line.settimeout(None)
        # After the last byte the engine removes its copy of the image, and only then closes the line. That takes a
        # twentieth of the whole time, so a piece does not wait to be full when nothing more comes.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, MOMENT_MICROSECONDS))
        return answer

    def _fill(self, buffer: memoryview) -> Future[int]:
        return self._fetcher.submit(lambda: self._answer.result().fill(buffer, self._require_answer))


def _is_readable(line: socket.socket, seconds: float) -> bool:
    """Whether something has come, or the end, after waiting for it at most so long."""
    with selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        return bool(selector.select(seconds))
