"""Ends running builds when this Python ends: normally, by SIGTERM, or because its terminal closes. Recordings are kept.

SIGKILL leaves no time for that: then only the child processes of the builds end, see `speedkit.engine.children`.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

__all__ = ["forget", "stop_builds_on_signals", "stop_when_leaving"]

END_SIGNALS = tuple(number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None)

_stops: set[Callable[[], None]] = set()


def stop_when_leaving(stop: Callable[[], None]) -> None:
    """Call `stop` when this Python ends, unless `forget` comes first."""
    atexit.register(stop)
    _stops.add(stop)
    stop_builds_on_signals()


def forget(stop: Callable[[], None]) -> None:
    atexit.unregister(stop)
    _stops.discard(stop)


def stop_builds_on_signals() -> None:
    """End builds on SIGTERM and SIGHUP as well, where no other handler is set. Has no effect outside of the main thread."""
    # Python lets only the main thread set handlers.
    if threading.current_thread() is threading.main_thread():
        for number in END_SIGNALS:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    # From now on, the same signal ends this process at once.
    signal.signal(number, signal.SIG_DFL)
    if not _stops:
        os.kill(os.getpid(), number)
    # In a thread of its own: the main thread, which this handler interrupts, may hold a lock that a build needs to end.
    threading.Thread(target=_stop_all, args=(number,), name="speedkit leaving").start()


def _stop_all(number: int) -> None:
    threads = [threading.Thread(target=stop, name="speedkit leaving", daemon=True) for stop in list(_stops)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # With the signal's default again, so that the exit status tells the parent which signal it was.
    os.kill(os.getpid(), number)
