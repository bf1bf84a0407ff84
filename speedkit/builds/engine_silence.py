"""Whether the engine still answers while a build prints nothing. The reason may be a long step or an engine that hangs.

An engine that hangs keeps its connections open, so buildx waits for ever. The kit lets it wait, because an engine that was only
busy, or a laptop that slept, goes on. The person who watches gets a notice, and can end the build.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .background import InBackground

__all__ = ["Silence"]

ASK_AFTER_SECONDS = 10.0


class Silence:
    """How long an engine has shown no sign of life. It is asked only when somebody calls `seconds`, one question at a time.

    answers: asks the engine whether it is there; a False may take seconds.
    """

    def __init__(self, answers: Callable[[], bool]) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._asking: InBackground[bool] | None = None
        self._asked = self._sign = time.monotonic()
        self._is_silent = False

    def note_sign_of_life(self) -> None:
        """Note that the engine is there, for example because a line of BuildKit came."""
        with self._lock:
            self._sign, self._is_silent = time.monotonic(), False

    def seconds(self) -> float | None:
        """How long the engine has been silent; None while it answers, and before its first answer is overdue."""
        with self._lock:
            now = time.monotonic()
            if self._asking is not None and self._asking.done_within(0):
                is_answered = self._asking.result()
                self._asking = None
                # A line of the build may have come since the question: then it is not silent, whatever the answer.
                if is_answered:
                    self._sign, self._is_silent = now, False
                elif self._sign < self._asked:
                    self._is_silent = True
            # Once it is silent, the next question follows at once: that shows without delay that it is back.
            if self._asking is None and now - max(self._sign, self._asked) > (0 if self._is_silent else ASK_AFTER_SECONDS):
                self._asked = now
                self._asking = InBackground(self._answers)
            return now - self._sign if self._is_silent else None
