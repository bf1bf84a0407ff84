"""The workbench as a widget: an app's files in an editor, its builds beside it, live.

All state is in `WorkbenchState`; `LiveWidget` brings it to the page and hears what the page says.
"""

from __future__ import annotations

import atexit
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from speedkit.builds import stop_builds_on_signals
from speedkit.history import LiveForecast
from speedkit.messages import message
from speedkit.page import TwinTexts, twin_html

from .live_widget import LiveWidget, Message, static_text
from .workbench_state import WorkbenchState

if TYPE_CHECKING:
    from speedkit.apps import App
    from speedkit.model import Build

    from .forecast_worker import Forecaster

__all__ = ["Workbench"]

TWIN_LOG_LINES = 40
SETTLE_SECONDS = 5.0
"""How long a cell waits for what a saved notebook should show: the forecast, and why steps ran."""


_open_benches: weakref.WeakSet[WorkbenchState] = weakref.WeakSet()
"""Weak, so that a widget which nobody holds any more can go before this Python ends."""


@atexit.register
def _close_all() -> None:
    for bench in list(_open_benches):
        bench.close()


class Workbench(LiveWidget):
    """An editor, the steps of each build, and what changed between builds, for one app.

    app: from `sk.sample_app()` or `sk.app(path)`; what is typed is written to its working copy.
    strategy: the one chosen at first; None takes `naive` where there is one, else the app's first.
    `build()` and `wait()` do from a cell what the buttons do; `builds` are the finished ones, oldest first.
    forecaster: says what the next build will do, see `speedkit.widgets.forecast_worker`; None takes the package's own.
    """

    static_name = "workbench"

    app_facts = traitlets.Dict().tag(sync=True)
    strategies: traitlets.List[Any] = traitlets.List().tag(sync=True)
    strategy = traitlets.Dict().tag(sync=True)
    edits: traitlets.List[Any] = traitlets.List().tag(sync=True)
    files: traitlets.List[Any] = traitlets.List().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    running = traitlets.Dict().tag(sync=True)
    steps_html = traitlets.Unicode().tag(sync=True)
    builds_html = traitlets.Unicode().tag(sync=True)
    outlook_html = traitlets.Unicode().tag(sync=True)
    shown_log = traitlets.Dict().tag(sync=True)
    found = traitlets.Dict().tag(sync=True)
    marks: traitlets.List[Any] = traitlets.List().tag(sync=True)
    forecast: traitlets.List[Any] = traitlets.List().tag(sync=True)
    notice = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    engine = traitlets.Unicode().tag(sync=True)

    def __init__(self, app: App, strategy: str | None = None, *, forecaster: Forecaster | None = None) -> None:
        self._state = WorkbenchState(app, self._wake, strategy=strategy, forecaster=forecaster or LiveForecast())
        super().__init__(**self._state.page().traits())
        _open_benches.add(self._state)
        stop_builds_on_signals()
        self._state.look_for_engine()
        self._wake()

    # For a notebook's cells

    def build(self, strategy: str | None = None, *, cold: bool = False) -> None:
        """Start a build of the files as they are; `wait` gives its result.

        strategy: None takes the one that is chosen. cold: nothing that was built before is found again.
        Raises: StateBusy when this workbench is building, UnknownStrategy.
        """
        if strategy is not None:
            self._state.choose_strategy(strategy)
        self._state.build(cold=cold)

    def cancel(self) -> None:
        """End the running build, if there is one."""
        self._state.cancel()

    def wait(self) -> Build | None:
        """The last build, once it has ended and is painted; None when none was started. Ctrl-C cancels it.

        Raises: what went wrong outside the Dockerfile, such as EngineLost.
        """
        try:
            listed = self._state.wait()
        except KeyboardInterrupt:
            self._state.cancel()
            raise
        try:
            self._settle()
        except Exception as problem:
            # The build has its result, whether or not it can be painted.
            self._state.complain(problem)
        if listed is None:
            return None
        if listed.problem is not None:
            raise listed.problem
        return listed.build

    @property
    def builds(self) -> tuple[Build, ...]:
        return tuple(listed.build for listed in self._state.builds.finished() if listed.build is not None)

    def close(self) -> None:
        """End the running build and the widget."""
        _open_benches.discard(self._state)
        self._state.close()
        super().close()

    # What is seen, and what is heard

    def _settle(self) -> None:
        """Paint what is known once everything that follows by itself is, the twin too."""
        self._state.settle(SETTLE_SECONDS)
        super()._settle()

    def _seen(self) -> dict[str, Any]:
        return self._state.page(self._state.forecast() or ()).traits()

    def _after_paint(self) -> None:
        # What was typed is not kept waiting for it.
        if self._state.look_at_disk():
            self._wake()

    def _in_words(self) -> str:
        return message("Workbench for {app}", app=self.app_facts["name"])

    @property
    def _is_unsettled(self) -> bool:
        return bool(self.running["number"])

    def _twin_html(self) -> str:
        page = self._state.page(self.forecast)
        log, first = self._state.twin_log(TWIN_LOG_LINES)
        texts = TwinTexts(self._state.twin_text(page.selection.tab), log, first)
        return twin_html(page, texts, style=static_text("workbench.css"), name=self.twin)

    def _complain(self, problem: BaseException) -> None:
        self._state.complain(problem)

    def _hear(self, heard: Message) -> dict[str, Any] | None:
        kind = heard.get("type")
        if kind in ASKED:
            return ASKED[kind](self._state, heard)
        if kind in TOLD:
            TOLD[kind](self._state, heard)
        return None


def _original(bench: WorkbenchState, heard: Message) -> dict[str, Any]:
    return {"text": bench.open_files.original(str(heard["path"]))}


def _read(bench: WorkbenchState, heard: Message) -> dict[str, Any]:
    return {"text": bench.open_files.text(str(heard["path"]))}


def _log(bench: WorkbenchState, heard: Message) -> dict[str, Any] | None:
    return bench.log_page(int(heard["number"]), str(heard["step"]), int(heard["from"]), int(heard["count"]))


def _copy(bench: WorkbenchState, heard: Message) -> dict[str, Any] | None:
    text = bench.log_text(int(heard["number"]), str(heard["step"]))
    return None if text is None else {"text": text}


ASKED: dict[Any, Callable[[WorkbenchState, Message], dict[str, Any] | None]] = {
    "clock": lambda _state, _heard: {"now_ms": time.time() * 1000},
    "read": _read,
    "original": _original,
    "log": _log,
    "copy": _copy,
}

TOLD: dict[Any, Callable[[WorkbenchState, Message], None]] = {
    "build": lambda bench, heard: bench.build(cold=heard.get("cold") is True),
    "cancel": lambda bench, _heard: bench.cancel(),
    "edit": lambda bench, heard: bench.edit(str(heard["name"])),
    "reset": lambda bench, heard: bench.reset(str(heard["path"])),
    "reset_all": lambda bench, _heard: bench.reset(None),
    "strategy": lambda bench, heard: bench.choose_strategy(str(heard["name"])),
    "save_strategy": lambda bench, heard: bench.save_strategy(str(heard["name"])),
    "text": lambda bench, heard: bench.type_text(str(heard["path"]), str(heard["text"]), page=str(heard["page"])),
    "view": lambda bench, heard: bench.choose(dict(heard["patch"]), page=str(heard["page"]), number=int(heard["number"])),
    "dismiss": lambda bench, _heard: bench.dismiss(),
    "retry": lambda bench, _heard: bench.look_for_engine(),
}
