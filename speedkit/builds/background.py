"""A value that is worked out in a thread of its own while the caller goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["InBackground"]

Value = TypeVar("Value")


class InBackground(Generic[Value]):
    """The result of `work`, which a thread of its own begins at once.

    The thread never keeps Python from ending. A thread of concurrent.futures does: Python waits for it at its end.
    """

    def __init__(self, work: Callable[[], Value]) -> None:
        self._work = work
        self._results: list[Value] = []
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="speedkit background", daemon=True)
        self._thread.start()

    def done_within(self, seconds: float) -> bool:
        """Whether `work` ends within the seconds; waits for that."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> Value:
        """What `work` returned, once it has. Raises what it raised."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as problem:
            # Of any kind: it belongs to the caller of `result`, and in a thread nobody else would see it.
            self._problem = problem
