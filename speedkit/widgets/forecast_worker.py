"""Forecasts of the next build, computed in a thread of their own, for the newest state of the files only.

A forecaster gets the app, the name of the strategy and the finished builds, oldest first. Builds that share the cache of the
next build have the name of the strategy, the others have none. The forecaster yields one or more forecasts, each better than
the one before; while somebody types, only the first is used. A forecast has an entry for each instruction:

- `line`: 1-based.
- `forecast`: "hit", "miss" or "depends"; "no-step" where there is nothing to run, but something to warn of.
- `because`: the cause, as a sentence.
- `seconds`: how long the step is expected to run, or None.
- `short`, optional: the cause in a word or two, for the margin of the editor.
- `ran`, optional: the cause in a few words, for a step that has run.
- `usual`, optional: the seconds of its last run.
- `after`, optional: the lines of the steps that it starts from.
- `warnings`, optional: what BuildKit's linter says about the instruction, a sentence each.
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
"""After so many seconds without a change of the files, the worker computes a better forecast."""


class ForecastWorker:
    """Keeps the forecast for the newest state.

    done: called after each new forecast. failed: called with an error that the forecaster raised.
    entries: the newest forecast, an entry for each instruction.
    """

    def __init__(self, forecaster: Forecaster, done: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._forecaster, self._done, self._failed = forecaster, done, failed
        self._changed = threading.Condition()
        self._request: tuple[object, tuple[App, str, Sequence[Build]]] | None = None
        self._forecast_state: object = None
        self._stopped = self._at_work = False
        self.entries: list[dict[str, Any]] = []

    def ask(self, state: object, app: App, strategy: str, builds: Sequence[Build], *, wait_seconds: float) -> None:
        """Compute a forecast unless there is one for this state. Return when it is ready, or after `wait_seconds`.

        state: what the forecast depends on; it is only compared.
        """
        with self._changed:
            if self._request is None or self._request[0] != state:
                self._request = state, (app, strategy, builds)
                self._changed.notify_all()
                if not self._at_work and not self._stopped:
                    # The thread ends when it has no work, so a widget that nobody looks at has no thread.
                    self._at_work = True
                    threading.Thread(target=self._run, name="workbench forecast", daemon=True).start()
            self._changed.wait_for(lambda: self._forecast_state == state or self._stopped, wait_seconds)

    def entries_of(self, state: object) -> list[dict[str, Any]] | None:
        """The forecast for a state; None when the newest forecast is for another state."""
        with self._changed:
            return self.entries if self._forecast_state == state else None

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _run(self) -> None:
        while (request := self._next_request()) is not None:
            state, arguments = request
            try:
                forecasts = iter(self._forecaster(*arguments))
                self._keep(state, next(forecasts, ()))
                while self._is_paused(state) and (entries := next(forecasts, None)) is not None:
                    self._keep(state, entries)
            except Exception as problem:
                # An empty forecast takes the place of the failed one: else the same state would be computed again for ever.
                with contextlib.suppress(Exception):
                    self._failed(problem)
                with contextlib.suppress(Exception):
                    self._keep(state, ())

    def _keep(self, state: object, entries: Iterable[Mapping[str, Any]]) -> None:
        with self._changed:
            self._forecast_state, self.entries = state, [dict(entry) for entry in entries]
            self._changed.notify_all()
        self._done()

    def _is_paused(self, state: object) -> bool:
        """Whether no newer state is requested for `PAUSE_SECONDS`."""
        with self._changed:
            return not self._changed.wait_for(
                lambda: self._stopped or self._request is None or self._request[0] != state, PAUSE_SECONDS
            )

    def _next_request(self) -> tuple[object, tuple[App, str, Sequence[Build]]] | None:
        """The newest request without a forecast; None when there is none, and this thread ends."""
        with self._changed:
            if self._stopped or self._request is None or self._request[0] == self._forecast_state:
                self._at_work = False
                return None
            return self._request
