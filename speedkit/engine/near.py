"""Asks an engine on this machine over its socket, without any library for HTTP.

Docker's client library takes a tenth of a second to import and Python's own fifteen milliseconds, which is long for
somebody who only looks at an image. HTTP/1.0, so that the engine sends an archive as it is: a third less work than undoing
HTTP/1.1's chunks of 32 KiB.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

__all__ = ["UNIX", "Answer", "ask", "get"]

UNIX = "unix://"
HEAD_BYTES_AT_MOST = 1 << 16
PIECE_BYTES = 1 << 20
PIECES_AT_HAND = 6
BLANK_LINE = b"\r\n\r\n"


@contextmanager
def get(host: str, path: str, *, seconds: float | None = None) -> Iterator[Answer]:
    """The engine's answer to a GET, to be read.

    host: its address, `unix://…`. seconds: how long to wait whenever nothing comes; for ever when None.
    Raises: OSError.
    """
    with ask(host, path, seconds=seconds) as answer:
        yield answer()


@contextmanager
def ask(host: str, path: str, *, seconds: float | None = None) -> Iterator[Callable[[], Answer]]:
    """Send a GET, and give what waits for the answer: for work that can be done meanwhile.

    Raises: OSError, the answer too.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(seconds)
        line.connect(host.removeprefix(UNIX))
        line.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        yield lambda: Answer(line)


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
                raise ConnectionError("what listens there does not speak HTTP")
            head += received
        head, _, self._ahead = head.partition(BLANK_LINE)
        first, *headers = head.decode("latin-1").split("\r\n")
        version, _, told = first.partition(" ")
        status, _, self.reason = told.partition(" ")
        if not version.startswith("HTTP/") or not status.isdecimal():
            raise ConnectionError("what listens there does not speak HTTP")
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
        announced = int(self.headers.get("Content-Length", -1))
        body = b""
        while len(body) != announced and (piece := self.read(HEAD_BYTES_AT_MOST)):
            body += piece
        if len(body) < announced:
            raise ConnectionError("the answer ends in the middle")
        return body

    def pieces(self) -> Generator[memoryview, None, None]:
        """The body in pieces of 1 MiB. While one is worked on, a thread fetches the next few: the engine need not wait.

        A piece is overwritten once the next one is asked for. Who does not take all of them closes the generator before the
        line.
        """
        from concurrent.futures import ThreadPoolExecutor

        buffers = [memoryview(bytearray(PIECE_BYTES)) for _ in range(PIECES_AT_HAND)]
        with ThreadPoolExecutor(1) as fetcher:
            filled = deque(fetcher.submit(self._fill, buffer) for buffer in buffers)
            try:
                for buffer in cycle(buffers):
                    if not (count := filled.popleft().result()):
                        return
                    yield buffer[:count]
                    filled.append(fetcher.submit(self._fill, buffer))
            finally:
                with suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)  # ends a read that still waits

    def _fill(self, buffer: memoryview) -> int:
        """How many bytes of the body it now has; fewer than it holds only at the end or at the beginning."""
        if not self._ahead:
            return self._line.recv_into(buffer, len(buffer), socket.MSG_WAITALL)
        taken = self.read(len(buffer))
        buffer[: len(taken)] = taken
        return len(taken)
