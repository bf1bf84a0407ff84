"""The one thread that writes to a widget.

Jupyter's server drops messages above a rate, the last one included, so everything that is to be seen goes through here:
at once when the page has been quiet, ten times a second at most in the long run, and the last state always. After a quiet
moment two paintings may follow each other at once: a key, and the forecast that it leads to.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from speedkit.widgets.garbage import uncollected

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace", "Painter"]

PERIOD_SECONDS = 0.1
LOOK_AGAIN_SECONDS = 1.0


class Pace:
    """When to paint: at once after a quiet moment, twice even, and every `PERIOD_SECONDS` in the long run.

    Times are in seconds, of any clock that never goes back.
    """

    def __init__(self) -> None:
        self._next_free_slot = 0.0

    def start(self, now: float) -> None:
        """A painting begins."""
        self._next_free_slot = max(self._next_free_slot, now) + PERIOD_SECONDS

    def pause(self, now: float) -> float:
        """How many seconds to wait before the next painting. One slot is free ahead, for the forecast after a key."""
        return max(0.0, self._next_free_slot - PERIOD_SECONDS - now)


class Painter:
    """Calls `paint` after every `wake`, and once a second in any case.

    failed: what to do with an error that `paint` raises.
    """

    def __init__(self, paint: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._paint = paint
        self._failed = failed
        self._changed = threading.Condition()
        self._wanted = self._painted = 0
        self._stopped = False
        self._pace = Pace()
        self._thread = threading.Thread(target=self._run, name="workbench painter", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        with self._changed:
            self._wanted += 1
            self._changed.notify_all()

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until everything known now is painted; False when that took longer than `seconds`."""
        self.wake()
        with self._changed:
            wanted = self._wanted
            return self._changed.wait_for(lambda: self._painted >= wanted or self._stopped, seconds)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _run(self) -> None:
        while self._wait():
            wanted = self._wanted
            self._pace.start(time.monotonic())
            try:
                with uncollected():
                    self._paint()
            except Exception as problem:
                # Nobody is left to be told of an error in telling: the next painting is more use than a dead painter.
                with contextlib.suppress(Exception):
                    self._failed(problem)
            with self._changed:
                self._painted = wanted
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._stopped, self._pace.pause(time.monotonic()))

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._wanted > self._painted, LOOK_AGAIN_SECONDS)
            return not self._stopped
