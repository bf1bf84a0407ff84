"""Keeps an eye on the Docker engine: which one there is, and when a lost one is back."""

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
    """Looks for an engine until there is one.

    found: the engine in a few words, "" while there is none. heard: told of the problem each time none is found, and
    whether an engine that is found had been lost.
    """

    def __init__(self, find_engine: Callable[[], Engine], heard: Callable[[Exception | None, bool], None]) -> None:
        self._find_engine, self._heard = find_engine, heard
        self._looking = threading.Lock()
        self._stopped = threading.Event()
        self._looked = threading.Event()
        self.found = ""

    def look(self) -> None:
        """Look in the background, again and again until an engine is found; once at a time."""
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_until_found, name="workbench engine", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait, at most so long, until it has looked once."""
        self._looked.wait(seconds)

    def stop(self) -> None:
        self._stopped.set()

    def _look_until_found(self) -> None:
        was_lost = False
        try:
            while not self._stopped.is_set() and not self._find(was_lost=was_lost):
                was_lost = True
                self._stopped.wait(PAUSE_SECONDS)
        finally:
            self._looking.release()

    def _find(self, *, was_lost: bool) -> bool:
        try:
            engine = self._find_engine()
            self.found = plural(
                "Docker {version}, {count} CPU", "Docker {version}, {count} CPUs", engine.cpus, version=engine.version
            )
        except Exception as problem:
            # Whatever an engine answers: there is none to build with, and it is looked for again.
            self.found = ""
            self._looked.set()
            self._heard(problem, True)
            return False
        self._looked.set()
        self._heard(None, was_lost)
        return True
