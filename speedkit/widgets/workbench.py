"""The workbench as a widget: the files of an app in an editor, and its builds.

All state is in `WorkbenchState`; `LiveWidget` exchanges values and messages with the page.
"""

from __future__ import annotations

import atexit
import time
import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import traitlets

from speedkit.builds import stop_builds_on_signals
from speedkit.engine import NO_OPTIONS, CommandOptions, checked_options
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
"""How long a cell waits for the forecast and the reasons of the steps, which the saved notebook should show."""


_open_workbenches: weakref.WeakSet[WorkbenchState] = weakref.WeakSet()
"""Weak references: a widget without other references is freed before this Python ends."""


@atexit.register
def _close_all() -> None:
    for state in list(_open_workbenches):
        state.close()


class Workbench(LiveWidget):
    """An editor, the steps of each build, and what changed between builds, for one app.

    A cell can do what the buttons do: `build()`, `cancel()`, `wait()`. `builds` has the finished builds, oldest first.

    app: from `sk.sample_app()` or `sk.app(path)`; changes are written to its working copy.
    strategy: the strategy at the start; None takes `naive` where there is one, else the first of the app.
    build_args, options: of every build, as in `sk.build`.
    forecaster: forecasts the next build, see `speedkit.widgets.forecast_worker`; None takes `LiveForecast`.
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

    def __init__(
        self,
        app: App,
        strategy: str | None = None,
        *,
        build_args: Mapping[str, str] = MappingProxyType({}),
        options: CommandOptions = NO_OPTIONS,
        forecaster: Forecaster | None = None,
    ) -> None:
        checked = checked_options(options)
        self._state = WorkbenchState(
            app,
            self._request_paint,
            strategy=strategy,
            build_options={"build_args": build_args, "options": checked},
            forecaster=forecaster or LiveForecast(build_args=build_args, options=checked),
        )
        super().__init__(**self._state.page().traits())
        _open_workbenches.add(self._state)
        stop_builds_on_signals()
        self._state.look_for_engine()
        self._request_paint()

    # For a notebook's cells

    def build(self, strategy: str | None = None, *, cold: bool = False) -> None:
        """Start a build of the files as they are; `wait` gives its result.

        strategy: None takes the selected strategy. cold: the build uses no results of earlier builds.
        Raises: StateBusy when this workbench is building, UnknownStrategy.
        """
        if strategy is not None:
            self._state.choose_strategy(strategy)
        self._state.build(cold=cold)

    def cancel(self) -> None:
        """End the running build, if there is one."""
        self._state.cancel()

    def wait(self) -> Build | None:
        """Wait for the last build and its display; None when no build was started. Ctrl-C cancels the build.

        Raises: errors outside the Dockerfile, such as EngineLost.
        """
        try:
            session_build = self._state.wait()
        except KeyboardInterrupt:
            self._state.cancel()
            raise
        try:
            self._settle()
        except Exception as problem:
            # The build has its result, even when the widget cannot show it.
            self._state.show_error(problem)
        if session_build is None:
            return None
        if session_build.problem is not None:
            raise session_build.problem
        return session_build.build

    @property
    def builds(self) -> tuple[Build, ...]:
        return tuple(session_build.build for session_build in self._state.builds.finished() if session_build.build is not None)

    def close(self) -> None:
        """End the running build and the widget."""
        _open_workbenches.discard(self._state)
        self._state.close()
        super().close()

    # The page, and messages from it

    def _settle(self) -> None:
        """Wait for what is still being computed, then until the widget and its twin show it."""
        self._state.settle(SETTLE_SECONDS)
        super()._settle()

    def _new_trait_values(self) -> dict[str, Any]:
        return self._state.page(self._state.forecast() or ()).traits()

    def _after_paint(self) -> None:
        # The disk may be slow: it is read after the page shows what was typed.
        if self._state.look_at_disk():
            self._request_paint()

    def _plain_text(self) -> str:
        return message("Workbench for {app}", app=self.app_facts["name"])

    @property
    def _is_unsettled(self) -> bool:
        return bool(self.running["number"])

    def _twin_html(self) -> str:
        page = self._state.page(self.forecast)
        log, first = self._state.twin_log(page.log, TWIN_LOG_LINES)
        texts = TwinTexts(self._state.twin_text(page.selection.tab), log, first)
        return twin_html(page, texts, style=static_text("workbench.css"), name=self.twin)

    def _show_error(self, problem: BaseException) -> None:
        self._state.show_error(problem)

    def _handle(self, request: Message) -> dict[str, Any] | None:
        kind = request.get("type")
        if kind in QUERIES:
            return QUERIES[kind](self._state, request)
        if kind in COMMANDS:
            COMMANDS[kind](self._state, request)
        return None


def _log(state: WorkbenchState, request: Message) -> dict[str, Any] | None:
    return state.log_page(int(request["number"]), str(request["step"]), int(request["from"]), int(request["count"]))


def _copy(state: WorkbenchState, request: Message) -> dict[str, Any] | None:
    text = state.log_text(int(request["number"]), str(request["step"]))
    return None if text is None else {"text": text}


QUERIES: dict[Any, Callable[[WorkbenchState, Message], dict[str, Any] | None]] = {
    # The page's clock may differ from the kernel's, by which builds and steps begin.
    "clock": lambda _state, _request: {"now_ms": time.time() * 1000},
    "read": lambda state, request: {"text": state.open_files.text(str(request["path"]))},
    "original": lambda state, request: {"text": state.open_files.original(str(request["path"]))},
    "log": _log,
    "copy": _copy,
}
"""Messages that the page waits for an answer to, by their type."""

COMMANDS: dict[Any, Callable[[WorkbenchState, Message], None]] = {
    "build": lambda state, request: state.build(cold=request.get("cold") is True),
    "cancel": lambda state, _request: state.cancel(),
    "edit": lambda state, request: state.edit(str(request["name"])),
    "reset": lambda state, request: state.reset(str(request["path"])),
    "reset_all": lambda state, _request: state.reset(None),
    "strategy": lambda state, request: state.choose_strategy(str(request["name"])),
    "save_strategy": lambda state, request: state.save_strategy(str(request["name"])),
    "text": lambda state, request: state.type_text(str(request["path"]), str(request["text"]), page=str(request["page"])),
    "view": lambda state, request: state.choose(
        dict(request["patch"]), page=str(request["page"]), number=int(request["number"])
    ),
    "dismiss": lambda state, _request: state.dismiss(),
    "retry": lambda state, _request: state.look_for_engine(),
}
"""Messages without an answer, by their type."""
