"""A value that is worked out in a thread beside what goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["InBackground"]

Value = TypeVar("Value")


class InBackground(Generic[Value]):
    """Calls `work` in a thread of its own, at once.

    Such a thread never keeps Python from ending, as those of concurrent.futures do.
    """

    def __init__(self, work: Callable[[], Value]) -> None:
        self._work = work
        self._found: list[Value] = []
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="speedkit background", daemon=True)
        self._thread.start()

    def done_within(self, seconds: float) -> bool:
        """Wait for the end of `work`, at most so long."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> Value:
        """What `work` returned, once it has. Raises what it raised."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException as problem:
            self._problem = problem
