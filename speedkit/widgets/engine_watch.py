"""Looks for the Docker engine: at first, and again and again after it was lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from speedkit.messages import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from speedkit.engine import Engine

__all__ = ["EngineWatch"]

PAUSE_SECONDS = 2.0


class EngineWatch:
    """Looks for an engine until one answers.

    description: the engine in a few words, "" while there is none. report: called after each attempt, with the error or None,
    and whether the reader should see it: each error, and the return of an engine that was lost.
    """

    def __init__(self, find_engine: Callable[[], Engine], report: Callable[[Exception | None, bool], None]) -> None:
        self._find_engine, self._report = find_engine, report
        self._looking = threading.Lock()
        self._stopped = threading.Event()
        self._has_looked = threading.Event()
        self.description = ""

    def look(self) -> None:
        """Look for an engine in the background until one answers; never twice at the same time."""
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_until_found, name="workbench engine", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait for the first attempt, `seconds` at most."""
        self._has_looked.wait(seconds)

    def stop(self) -> None:
        self._stopped.set()

    def _look_until_found(self) -> None:
        was_lost = False
        try:
            while not self._stopped.is_set():
                error: Exception | None = None
                try:
                    engine = self._find_engine()
                    self.description = plural(
                        "Docker {version}, {count} CPU", "Docker {version}, {count} CPUs", engine.cpus, version=engine.version
                    )
                except Exception as problem:
                    # An engine may answer anything while it starts or stops. Whatever the error is, look again.
                    self.description, error = "", problem
                self._has_looked.set()
                self._report(error, error is not None or was_lost)
                if error is None:
                    break
                was_lost = True
                self._stopped.wait(PAUSE_SECONDS)
        finally:
            self._looking.release()
