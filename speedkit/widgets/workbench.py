"""The workbench as a widget: an app's files in an editor, its builds beside it, live.

All state is in `Bench`; the painter alone writes it to the traits and answers the page. The page sends messages and
keeps nothing that Python does not have, so that a reload shows the build still running. anywidget carries it into
JupyterLab, Notebook 7 and VS Code alike: https://anywidget.dev
"""

from __future__ import annotations

import atexit
import contextvars
import queue
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from speedkit.history.live import LiveForecast
from speedkit.widgets.bench import Bench
from speedkit.widgets.outlook import noted, outlook
from speedkit.widgets.painter import Painter
from speedkit.widgets.static_twin import TwinTexts, twin_html

if TYPE_CHECKING:
    from speedkit.apps import App
    from speedkit.model import Build
    from speedkit.widgets.foresight import Forecaster

__all__ = ["Workbench"]

STATIC = Path(__file__).parent / "static"
TWIN_LOG_LINES = 40
TWIN_PAUSE_SECONDS = 2.0
SETTLE_SECONDS = 5.0
"""How long a cell waits for what a saved notebook should show: the forecast, and why steps ran."""

Message = Mapping[str, Any]


class Workbench(anywidget.AnyWidget):
    """An editor, the steps of each build, and what changed between builds, for one app.

    app: from `sk.sample_app()` or `sk.app(path)`; what is typed is written to its working copy.
    strategy: the one chosen at first; None takes `naive` where there is one, else the app's first.
    `build()` and `wait()` do from a cell what the buttons do; `builds` are the finished ones, oldest first.
    forecaster: says what the next build will do, see `speedkit.widgets.foresight`; None takes the package's own.
    """

    _esm = STATIC / "workbench.js"
    _css = STATIC / "workbench.css"

    app_facts = traitlets.Dict().tag(sync=True)
    strategies: traitlets.List[Any] = traitlets.List().tag(sync=True)
    strategy = traitlets.Dict().tag(sync=True)
    edits: traitlets.List[Any] = traitlets.List().tag(sync=True)
    files: traitlets.List[Any] = traitlets.List().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    running = traitlets.Dict().tag(sync=True)
    steps = traitlets.Dict().tag(sync=True)
    shown_log = traitlets.Dict().tag(sync=True)
    found = traitlets.Dict().tag(sync=True)
    history: traitlets.List[Any] = traitlets.List().tag(sync=True)
    comparison = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    marks: traitlets.List[Any] = traitlets.List().tag(sync=True)
    forecast: traitlets.List[Any] = traitlets.List().tag(sync=True)
    outlook = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    rebuilding = traitlets.Unicode().tag(sync=True)
    notice = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    engine = traitlets.Unicode().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    twin = traitlets.Unicode().tag(sync=True)

    def __init__(self, app: App, strategy: str | None = None, *, forecaster: Forecaster | None = None) -> None:
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._twin_shown = ""
        self._twin_due = False
        self._twin_time = 0.0
        self._context = contextvars.Context()
        self._bench = Bench(app, self._wake, strategy=strategy, forecaster=forecaster or LiveForecast())
        self._painter: Painter | None = None
        super().__init__(**self._bench.traits())
        self.twin = self.model_id or ""
        self.on_msg(self._receive)
        self._painter = Painter(lambda: self._context.run(self._paint), self._bench.complain)
        atexit.register(self._bench.close)
        self._bench.look_for_engine()
        self._wake()

    # For a notebook's cells

    def build(self, strategy: str | None = None, *, cold: bool = False) -> None:
        """Start a build of the files as they are; `wait` gives its result.

        strategy: None takes the one that is chosen. cold: nothing that was built before is found again.
        Raises: StateBusy when this workbench is building, UnknownStrategy.
        """
        if strategy is not None:
            self._bench.choose_strategy(strategy)
        self._bench.build(cold=cold)

    def cancel(self) -> None:
        """End the running build, if there is one."""
        self._bench.cancel()

    def wait(self) -> Build | None:
        """The last build, once it has ended and is painted; None when none was started. Ctrl-C cancels it.

        Raises: what went wrong outside the Dockerfile, such as EngineLost.
        """
        try:
            listed = self._bench.wait()
        except KeyboardInterrupt:
            self._bench.cancel()
            raise
        self._settle()
        if listed is None:
            return None
        if listed.problem is not None:
            raise listed.problem
        return listed.build

    @property
    def builds(self) -> tuple[Build, ...]:
        return tuple(listed.build for listed in self._bench.builds.finished() if listed.build is not None)

    def close(self) -> None:
        """End the running build and the widget."""
        atexit.unregister(self._bench.close)
        self._bench.close()
        if self._painter is not None:
            self._painter.stop()
        super().close()

    # Painting

    def _settle(self) -> None:
        """Paint what is known once everything that follows by itself is, the twin too."""
        self._bench.settle(SETTLE_SECONDS)
        self._twin_due = True
        self._twin_time = 0.0
        if self._painter is not None:
            self._painter.flush()

    def _wake(self) -> None:
        if self._painter is not None:
            self._painter.wake()

    def _paint(self) -> None:
        forecast = self._bench.forecast()
        foreseen = {} if forecast is None else {"forecast": noted(forecast), "outlook": outlook(forecast)}
        traits = self._bench.traits() | foreseen
        with self.hold_sync():
            for name, value in traits.items():
                if getattr(self, name) != value:
                    setattr(self, name, value)
                    self._twin_due = True
        self._send_answers()
        self._refresh_twin()
        # Last, so that what was typed is not kept waiting for it.
        if self._bench.look_at_disk():
            self._wake()

    def _send_answers(self) -> None:
        while True:
            try:
                answer = self._answers.get_nowait()
            except queue.Empty:
                return
            self.send(answer)

    # The static twin

    def _ipython_display_(self) -> None:
        _publish(self._view_data())
        self._settle()
        self._twin_shown = self._twin_html()
        _publish(self._twin_data(), display_id=f"twin-{self.twin}")

    def _repr_html_(self) -> str:
        return self._twin_html()

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._view_data() | self._twin_data(), {}

    def _view_data(self) -> dict[str, Any]:
        data, _metadata = super()._repr_mimebundle_() or ({}, {})
        return dict(data)

    def _twin_data(self) -> dict[str, str]:
        return {"text/html": self._twin_html(), "text/plain": f"Workbench for {self.app_facts['name']}"}

    def _refresh_twin(self) -> None:
        """Bring the twin in the notebook up to date, not often: each time the whole of it goes to the page."""
        is_early = time.monotonic() - self._twin_time < TWIN_PAUSE_SECONDS
        if not self._twin_shown or not self._twin_due or is_early or self.running["number"]:
            return
        self._twin_due, self._twin_time = False, time.monotonic()
        html = self._twin_html()
        if html != self._twin_shown:
            self._twin_shown = html
            _publish(self._twin_data(), display_id=f"twin-{self.twin}", update=True)

    def _twin_html(self) -> str:
        traits = self._bench.traits() | {"forecast": self.forecast, "outlook": self.outlook}
        log, first = self._bench.twin_log(TWIN_LOG_LINES)
        texts = TwinTexts(self._bench.desk.text_or_empty(traits["view"]["tab"]), log, first)
        return twin_html(traits, texts, style=(STATIC / "workbench.css").read_text(encoding="utf-8"), name=self.twin)

    # Messages from the page

    def _receive(self, _widget: object, message: object, _buffers: object) -> None:
        if not isinstance(message, Mapping):
            return
        # ipykernel sends a page's messages to the thread that answered it last: answering in the context of a message
        # keeps them off the main thread, where a cell may be waiting for the build that the page wants to cancel.
        self._context = contextvars.copy_context()
        try:
            self._handle(message)
        except Exception as problem:
            # An exception in a callback would reach nobody.
            self._bench.complain(problem)
        self._wake()

    def _handle(self, message: Message) -> None:
        kind = message.get("type")
        if kind in ASKED:
            answer = ASKED[kind](self._bench, message)
            if answer is not None:
                self._answers.put(answer | {"answers": message.get("id")})
        elif kind in TOLD:
            TOLD[kind](self._bench, message)


def _publish(data: dict[str, Any], *, display_id: str | None = None, update: bool = False) -> None:
    from IPython.display import publish_display_data

    transient = {} if display_id is None else {"display_id": display_id}
    publish_display_data(data, transient=transient, update=update)  # type: ignore[no-untyped-call]


def _original(bench: Bench, message: Message) -> dict[str, Any]:
    return {"text": bench.desk.original(str(message["path"]))}


def _read(bench: Bench, message: Message) -> dict[str, Any]:
    return {"text": bench.desk.text(str(message["path"]))}


def _log(bench: Bench, message: Message) -> dict[str, Any] | None:
    return bench.log_page(int(message["number"]), str(message["step"]), int(message["from"]), int(message["count"]))


def _copy(bench: Bench, message: Message) -> dict[str, Any] | None:
    text = bench.log_text(int(message["number"]), str(message["step"]))
    return None if text is None else {"text": text}


ASKED: dict[Any, Callable[[Bench, Message], dict[str, Any] | None]] = {
    "clock": lambda _bench, _message: {"now_ms": time.time() * 1000},
    "read": _read,
    "original": _original,
    "log": _log,
    "copy": _copy,
}

TOLD: dict[Any, Callable[[Bench, Message], None]] = {
    "build": lambda bench, message: bench.build(cold=message.get("cold") is True),
    "cancel": lambda bench, _message: bench.cancel(),
    "edit": lambda bench, message: bench.edit(str(message["name"])),
    "reset": lambda bench, message: bench.reset(str(message["path"])),
    "reset_all": lambda bench, _message: bench.reset(None),
    "strategy": lambda bench, message: bench.choose_strategy(str(message["name"])),
    "save_strategy": lambda bench, message: bench.save_strategy(str(message["name"])),
    "text": lambda bench, message: bench.type_text(str(message["path"]), str(message["text"]), page=str(message["page"])),
    "view": lambda bench, message: bench.choose(
        dict(message["patch"]), page=str(message["page"]), number=int(message["number"])
    ),
    "dismiss": lambda bench, _message: bench.dismiss(),
    "retry": lambda bench, _message: bench.look_for_engine(),
}
