"""The one thread that updates widgets.

Jupyter's server drops messages above a rate, even the last one. So every change of a widget goes through here: at once after a
quiet moment, ten times a second at most in the long run, and the last state always. After a quiet moment two updates may
follow each other at once: one for a key, and one for the forecast after it.
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
"""Files change on the disk without any request: each update checks for that."""
SETTLED_WITHIN_SECONDS = 60.0
"""Far longer than painting takes on a busy machine. Painting that takes longer hangs, and the cell stops waiting for it."""


class Pace:
    """When to paint: at once after a quiet moment, even twice, and every `PERIOD_SECONDS` in the long run.

    Times are in seconds, of any clock that never goes back.
    """

    def __init__(self) -> None:
        self._next_free_slot = 0.0

    def start(self, now: float) -> None:
        """Note that painting begins."""
        self._next_free_slot = max(self._next_free_slot, now) + PERIOD_SECONDS

    def pause(self, now: float) -> float:
        """How many seconds to wait before painting again. One slot may be used early, for the forecast after a key."""
        return max(0.0, self._next_free_slot - PERIOD_SECONDS - now)


class Updater:
    """Calls `paint` after each `request_paint`, and once a second anyway, until it is stopped or garbage-collected.

    failed: called with an error that `paint` raises.
    """

    def __init__(self, paint: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._paint = paint
        self._failed = failed
        # Numbers of requests: `_painted` is the newest one that a finished paint has covered.
        self._requested = self._painted = 0
        self._is_painting = self._stopped = False
        self._pace = Pace()
        self._painted_at = time.monotonic()
        _update_thread.add(self)

    def request_paint(self) -> None:
        with _update_thread.changed:
            self._requested += 1
            _update_thread.changed.notify_all()

    def flush(self, seconds: float = SETTLED_WITHIN_SECONDS) -> bool:
        """Wait until the present state is painted; False when that took longer than `seconds`."""
        self.request_paint()
        with _update_thread.changed:
            request = self._requested
            return _update_thread.changed.wait_for(lambda: self._painted >= request or self._stopped, seconds)

    def stop(self) -> None:
        """Paint no more. Wait until painting that has begun is over, except in the update thread, which paints itself."""
        with _update_thread.changed:
            self._stopped = True
            _update_thread.changed.notify_all()
            if not _update_thread.is_current_thread:
                _update_thread.changed.wait_for(lambda: not self._is_painting, 5)

    def pause(self, now: float) -> float | None:
        """How many seconds until the next paint; None when it is stopped."""
        if self._stopped:
            return None
        if self._requested > self._painted:
            return self._pace.pause(now)
        return max(0.0, self._painted_at + LOOK_AGAIN_SECONDS - now)

    def paint(self) -> None:
        with _update_thread.changed:
            if self._stopped:
                return
            request, self._is_painting = self._requested, True
        self._painted_at = time.monotonic()
        self._pace.start(self._painted_at)
        try:
            self._paint()
        except Exception as problem:
            # This thread updates all widgets, so it must survive an error in showing an error.
            with contextlib.suppress(Exception):
                self._failed(problem)
        with _update_thread.changed:
            self._painted, self._is_painting = request, False
            _update_thread.changed.notify_all()


class _UpdateThread:
    """The thread of all updaters. Its references are weak: a notebook makes widgets, drops them, and never closes them."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._updaters: weakref.WeakSet[Updater] = weakref.WeakSet()
        self._thread: threading.Thread | None = None

    @property
    def is_current_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def add(self, updater: Updater) -> None:
        new_thread = None
        with self.changed:
            self._updaters.add(updater)
            # A thread without `ident` is about to be started, by another thread that adds an updater at this moment.
            if self._thread is None or (self._thread.ident is not None and not self._thread.is_alive()):
                new_thread = self._thread = threading.Thread(target=self._run, name="widget updates", daemon=True)
            self.changed.notify_all()
        if new_thread is not None:
            # Not under the lock: `start` waits for the new thread, in which Python may collect a dropped widget, whose
            # `__del__` waits for the lock.
            try:
                new_thread.start()
            except RuntimeError:
                with self.changed:
                    self._thread = None
                raise

    def _run(self) -> None:
        while self._wait():
            self._paint_once()

    def _paint_once(self) -> None:
        """Paint each updater that is due once, however many requests it gets, so that none keeps the others waiting.

        The list of updaters is local to this method: nothing holds them while the thread waits.
        """
        now = time.monotonic()
        with self.changed:
            due = [updater for updater in self._updaters if updater.pause(now) == 0]
        for updater in due:
            updater.paint()

    def _wait(self) -> bool:
        """Wait until an updater is due; False when there is none any more."""
        with self.changed:
            while (pause := self._shortest_pause()) is not None:
                if pause == 0:
                    return True
                self.changed.wait(pause)
            self._thread = None
            return False

    def _shortest_pause(self) -> float | None:
        now = time.monotonic()
        pauses = [updater.pause(now) for updater in self._updaters]
        return min((pause for pause in pauses if pause is not None), default=None)


_update_thread = _UpdateThread()
