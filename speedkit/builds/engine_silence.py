"""Whether the engine still answers while a build hears nothing from it: a long step prints nothing, too.

An engine that hangs keeps its connections open, so BuildKit's client waits for ever, and so it should: an engine that was
only busy, or a laptop that slept, goes on. Whoever watches is told, and can end the build.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .background import InBackground

__all__ = ["Silence"]

ASK_AFTER_SECONDS = 10.0


class Silence:
    """How long an engine has given no sign of life. It is asked only while somebody wants to know, one question at a time.

    answers: asks the engine; it may take a while to give False.
    """

    def __init__(self, answers: Callable[[], bool]) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._asking: InBackground[bool] | None = None
        self._asked = self._sign = time.monotonic()
        self._is_silent = False

    def heard(self) -> None:
        """The engine has said something."""
        with self._lock:
            self._sign, self._is_silent = time.monotonic(), False

    def seconds(self) -> float | None:
        """How long it has been silent; None while it answers, or nobody knows yet."""
        with self._lock:
            now = time.monotonic()
            if self._asking is not None and self._asking.done_within(0):
                is_answered = self._asking.result()
                self._asking = None
                # It may have said something since it was asked.
                if is_answered:
                    self._sign, self._is_silent = now, False
                elif self._sign < self._asked:
                    self._is_silent = True
            if self._asking is None and now - max(self._sign, self._asked) > (0 if self._is_silent else ASK_AFTER_SECONDS):
                self._asked = now
                self._asking = InBackground(self._answers)
            return now - self._sign if self._is_silent else None
