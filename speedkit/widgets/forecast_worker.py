"""The place for a forecast: computes it beside the painter, for the newest state of the files only.

A forecaster is given the app, the strategy's name and the finished builds, oldest first; those whose cache the next
build shares bear the strategy's name, the others none. It answers with one forecast or more, each better than the one
before; those behind the first are not asked for while somebody types on. A forecast has an entry per
instruction: `line` (1-based), `forecast` ("hit", "miss" or "depends"), `because` (a sentence), `seconds` (expected, or
None) and, where it has them, `short` (the cause in a word or two, for the editor's margin), `ran` (the cause in a few words,
for a step that has run), `usual` (seconds it took when it ran last) and `after` (the lines it starts from).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from speedkit.apps import App
from speedkit.model import Build

__all__ = ["ForecastWorker", "Forecaster"]

Forecaster = Callable[[App, str, Sequence[Build]], Iterable[Sequence[Mapping[str, Any]]]]

PAUSE_SECONDS = 0.2
"""Who has typed nothing for so long has paused, and there is time for a better forecast."""


class ForecastWorker:
    """Keeps a forecast for the newest state asked for. done: called when there is a new one; failed: when it raised."""

    def __init__(self, forecaster: Forecaster, done: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._forecaster, self._done, self._failed = forecaster, done, failed
        self._changed = threading.Condition()
        self._asked: tuple[object, tuple[App, str, Sequence[Build]]] | None = None
        self._known: object = None
        self._stopped = self._at_work = False
        self.entries: list[dict[str, Any]] = []

    def ask(self, state: object, app: App, strategy: str, builds: Sequence[Build], *, wait_seconds: float) -> None:
        """Compute a forecast unless this state's is known; give it `wait_seconds` to be ready at once."""
        with self._changed:
            if self._asked is None or self._asked[0] != state:
                self._asked = state, (app, strategy, builds)
                self._changed.notify_all()
                if not self._at_work and not self._stopped:
                    # It ends with its work: a widget that nobody looks at any more has no thread.
                    self._at_work = True
                    threading.Thread(target=self._run, name="workbench forecast", daemon=True).start()
            self._changed.wait_for(lambda: self._known == state or self._stopped, wait_seconds)

    def of(self, state: object) -> list[dict[str, Any]] | None:
        """The forecast for a state; None when it is not, or no longer, the one that is known."""
        with self._changed:
            return self.entries if self._known == state else None

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _run(self) -> None:
        while (asked := self._next()) is not None:
            state, arguments = asked
            try:
                better = iter(self._forecaster(*arguments))
                self._keep(state, next(better, ()))
                while self._is_paused(state) and (entries := next(better, None)) is not None:
                    self._keep(state, entries)
            except Exception as problem:
                with contextlib.suppress(Exception):
                    self._failed(problem)
                with contextlib.suppress(Exception):
                    self._keep(state, ())

    def _keep(self, state: object, entries: Iterable[Mapping[str, Any]]) -> None:
        with self._changed:
            self._known, self.entries = state, [dict(entry) for entry in entries]
            self._changed.notify_all()
        self._done()

    def _is_paused(self, state: object) -> bool:
        """Whether nothing newer is asked for, for a while."""
        with self._changed:
            return not self._changed.wait_for(
                lambda: self._stopped or self._asked is None or self._asked[0] != state, PAUSE_SECONDS
            )

    def _next(self) -> tuple[object, tuple[App, str, Sequence[Build]]] | None:
        """What is asked for and not known yet; None when there is nothing, and this thread ends."""
        with self._changed:
            if self._stopped or self._asked is None or self._asked[0] == self._known:
                self._at_work = False
                return None
            return self._asked
