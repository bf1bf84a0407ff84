"""The one thread that writes to widgets.

Jupyter's server drops messages above a rate, the last one included, so everything that is to be seen goes through here:
at once when the page has been quiet, ten times a second at most in the long run, and the last state always. After a quiet
moment two paintings may follow each other at once: a key, and the forecast that it leads to.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace", "Updater"]

PERIOD_SECONDS = 0.1
LOOK_AGAIN_SECONDS = 1.0
SETTLED_WITHIN_SECONDS = 60.0
"""Far longer than a painting takes on a busy machine; one that takes longer hangs, and keeps no cell waiting any more."""


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


class Updater:
    """Calls `paint` after every `wake`, and once a second in any case, until it is stopped or nobody holds it any more.

    failed: what to do with an error that `paint` raises.
    """

    def __init__(self, paint: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._paint = paint
        self._failed = failed
        self._wanted = self._painted = 0
        self._is_painting = self._stopped = False
        self._pace = Pace()
        self._looked = time.monotonic()
        _update_thread.take_in(self)

    def wake(self) -> None:
        with _update_thread.changed:
            self._wanted += 1
            _update_thread.changed.notify_all()

    def flush(self, seconds: float = SETTLED_WITHIN_SECONDS) -> bool:
        """Wait until everything known now is painted; False when that took longer than `seconds`."""
        self.wake()
        with _update_thread.changed:
            wanted = self._wanted
            return _update_thread.changed.wait_for(lambda: self._painted >= wanted or self._stopped, seconds)

    def stop(self) -> None:
        """Paint no more. A painting that is under way is waited for."""
        with _update_thread.changed:
            self._stopped = True
            _update_thread.changed.notify_all()
            if not _update_thread.is_current_thread:
                _update_thread.changed.wait_for(lambda: not self._is_painting, 5)

    def pause(self, now: float) -> float | None:
        """How many seconds until it is to paint; None for never again."""
        if self._stopped:
            return None
        if self._wanted > self._painted:
            return self._pace.pause(now)
        return max(0.0, self._looked + LOOK_AGAIN_SECONDS - now)

    def paint(self) -> None:
        with _update_thread.changed:
            if self._stopped:
                return
            wanted, self._is_painting = self._wanted, True
        self._looked = time.monotonic()
        self._pace.start(self._looked)
        try:
            self._paint()
        except Exception as problem:
            # Nobody is left to be told of an error in telling: the next painting is more use than a dead painter.
            with contextlib.suppress(Exception):
                self._failed(problem)
        with _update_thread.changed:
            self._painted, self._is_painting = wanted, False
            _update_thread.changed.notify_all()


class _UpdateThread:
    """The one thread of all painters, which it knows without holding them: a notebook makes widgets and forgets them."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._painters: weakref.WeakSet[Updater] = weakref.WeakSet()
        self._thread: threading.Thread | None = None

    @property
    def is_current_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def take_in(self, painter: Updater) -> None:
        with self.changed:
            self._painters.add(painter)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="workbench painter", daemon=True)
                self._thread.start()
            self.changed.notify_all()

    def _run(self) -> None:
        while self._wait():
            self._paint_once()

    def _paint_once(self) -> None:
        """Each that is due once, however often it is woken: none keeps the others waiting. None is held afterwards."""
        now = time.monotonic()
        with self.changed:
            due = [painter for painter in self._painters if painter.pause(now) == 0]
        for painter in due:
            painter.paint()

    def _wait(self) -> bool:
        """Wait until one is to paint; False when there is no painter any more."""
        with self.changed:
            while (pause := self._shortest_pause()) is not None:
                if pause == 0:
                    return True
                self.changed.wait(pause)
            self._thread = None
            return False

    def _shortest_pause(self) -> float | None:
        now = time.monotonic()
        pauses = [painter.pause(now) for painter in self._painters]
        return min((pause for pause in pauses if pause is not None), default=None)


_update_thread = _UpdateThread()
