"""Whoever ends this Python, in good order or by SIGTERM or a closed terminal, ends its builds, and their recordings are kept.

SIGKILL leaves no time for that: then only what the builds started ends, see `speedkit.engine.children`.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

__all__ = ["forget", "listen_for_the_end", "stop_when_leaving"]

TOLD_TO_END = tuple(number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None)

_stops: set[Callable[[], None]] = set()


def stop_when_leaving(stop: Callable[[], None]) -> None:
    """Call `stop` when this Python ends, unless it is forgotten before."""
    atexit.register(stop)
    _stops.add(stop)
    listen_for_the_end()


def forget(stop: Callable[[], None]) -> None:
    atexit.unregister(stop)
    _stops.discard(stop)


def listen_for_the_end() -> None:
    """Do all that on SIGTERM and SIGHUP as well, where nobody else listens to them. Only the main thread can have that."""
    if threading.current_thread() is threading.main_thread():
        for number in TOLD_TO_END:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    # From now on, the same signal ends this process at once.
    signal.signal(number, signal.SIG_DFL)
    if not _stops:
        os.kill(os.getpid(), number)
    # In a thread of its own: the main thread may hold what the builds need to end, and goes on.
    threading.Thread(target=_stop_all, args=(number,), name="speedkit leaving").start()


def _stop_all(number: int) -> None:
    stopping = [threading.Thread(target=stop, name="speedkit leaving", daemon=True) for stop in list(_stops)]
    for one in stopping:
        one.start()
    for one in stopping:
        one.join()
    os.kill(os.getpid(), number)
