"""Python looks through all objects for garbage now and then. With a large build context that takes 30 ms and more."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


class _Waited:
    """How many are at work that somebody waits for, and whether Python looked for garbage before the first began."""

    lock = threading.Lock()
    count = 0
    was_enabled = True


@contextmanager
def uncollected() -> Iterator[None]:
    """Leaves that for later, because somebody waits for what is done here: until nobody is waited for in any thread."""
    with _Waited.lock:
        if not _Waited.count:
            _Waited.was_enabled = gc.isenabled()
            gc.disable()
        _Waited.count += 1
    try:
        yield
    finally:
        with _Waited.lock:
            _Waited.count -= 1
            if not _Waited.count and _Waited.was_enabled:
                gc.enable()
