"""Waiting for what must come, on a machine that may be busy: the limit only ends a test that hangs."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

__all__ = ["HANG_MS", "HANG_SECONDS", "listens", "wait_until"]

HANG_SECONDS = 900.0
"""Nothing here takes so long, however busy the machine is: what is not there by then never comes."""
HANG_MS = int(1000 * HANG_SECONDS)
LOOK_SECONDS = 0.02


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return as soon as `is_so` gives True.

    Raises: AssertionError when it never does.
    """
    deadline = time.monotonic() + HANG_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "what was waited for never came"
        time.sleep(LOOK_SECONDS)


def listens(port: int) -> bool:
    """Whether somebody takes connections at a port of the loopback address. Jupyter notes its port before it does."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0
