"""What the live widgets share: updates by one thread, messages from the page, and the static twin.

The twin is plain HTML without a script, which the notebook saves beside the widget; it is what a reader sees without a kernel.
All state is in Python, so that a page shows the same after a reload. anywidget shows the widgets in JupyterLab, Notebook 7 and
VS Code alike: https://anywidget.dev
"""

from __future__ import annotations

import contextvars
import queue
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from speedkit.control_characters import visible_line

from .page_messages import page_messages
from .update_thread import Updater

__all__ = ["STATIC", "LiveWidget", "Message", "static_text"]

STATIC = Path(__file__).parent / "static"
TWIN_PAUSE_SECONDS = 2.0

Message = Mapping[str, Any]


@lru_cache(maxsize=8)
def static_text(name: str) -> str:
    """A file of the front end."""
    return (STATIC / name).read_text(encoding="utf-8")


class LiveWidget(anywidget.AnyWidget):
    """A widget whose traits are written by one thread, with a static twin in the notebook.

    A subclass defines the value of each trait (`_new_trait_values`), the twin as HTML (`_twin_html`) and as plain text
    (`_plain_text`), what a message from the page does (`_handle`, which may return an answer), and how an error is shown
    (`_show_error`). While `_is_unsettled`, the twin is not updated. `_after_paint` does slow work after the page is up to date.
    """

    # Text and not paths: anywidget never lets go of a widget whose script is a path, to reload it when the file changes.
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    static_name: ClassVar[str]
    """The name, without its ending, of the script and the style sheet in the folder `static`."""

    said = traitlets.Unicode().tag(sync=True)
    twin = traitlets.Unicode().tag(sync=True)
    catalogue = traitlets.Dict().tag(sync=True)
    """The messages of the front end, where the language is not English."""

    _updater: Updater | None = None

    def __init__(self, **traits: Any) -> None:
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._twin_shown = ""
        self._twin_due = False
        self._twin_time = 0.0
        self._context = contextvars.Context()
        super().__init__(**traits)
        self.twin = self.model_id or ""
        self.on_msg(self._receive)
        if self.comm is not None:
            # ipykernel 7.4 gives the messages of a page to the thread that wrote to the page last. Before the first message
            # that is the thread that runs cells, so a message would wait while a cell runs. The page's own choice is used.
            self.comm._reply_subshell_for = lambda _data, pages_choice: pages_choice
        self._updater = Updater(lambda: self._context.run(self._paint), self._show_error)

    @traitlets.default("_esm")
    def _default_script(self) -> str:
        return static_text(f"{self.static_name}.js")

    @traitlets.default("_css")
    def _default_style(self) -> str:
        return static_text(f"{self.static_name}.css")

    @traitlets.default("catalogue")
    def _default_catalogue(self) -> dict[str, Any]:
        return page_messages()

    # What a subclass defines

    def _new_trait_values(self) -> dict[str, Any]:
        raise NotImplementedError

    def _twin_html(self) -> str:
        raise NotImplementedError

    def _plain_text(self) -> str:
        raise NotImplementedError

    def _handle(self, request: Message) -> dict[str, Any] | None:
        raise NotImplementedError

    def _show_error(self, problem: BaseException) -> None:
        raise NotImplementedError

    def _after_paint(self) -> None:
        """Does nothing, unless a subclass overrides it."""

    @property
    def _is_unsettled(self) -> bool:
        return False

    # Painting

    def _settle(self) -> None:
        """Wait until the widget and its twin show the present state."""
        self._twin_due, self._twin_time = True, 0.0
        if self._updater is not None:
            self._updater.flush()

    def close(self) -> None:
        if self._updater is not None:
            self._updater.stop()
        # The layout is a widget of its own, and ipywidgets keeps each widget until it is closed.
        self.layout.close()
        super().close()

    def _request_paint(self) -> None:
        if self._updater is not None:
            self._updater.request_paint()

    def _paint(self) -> None:
        values = self._new_trait_values()
        # All changed traits go in one message, so the page never shows a part of a state.
        with self.hold_sync():
            for name, value in values.items():
                if getattr(self, name) != value:
                    setattr(self, name, value)
                    self._twin_due = True
        # Answers wait for the update, as only this thread sends to the page, and come after the traits that they belong to.
        while not self._answers.empty():
            self.send(self._answers.get())
        self._refresh_twin()
        self._after_paint()

    # The static twin

    def _ipython_display_(self) -> None:
        _publish(self._view_data())
        self._settle()
        self._twin_shown = self._twin_html()
        # An output with a display id can be replaced later, in the saved notebook, too.
        _publish(self._twin_data(), display_id=f"twin-{self.twin}")

    def _repr_html_(self) -> str:
        return self._twin_html()

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._view_data() | self._twin_data(), {}

    def _view_data(self) -> dict[str, Any]:
        data, _metadata = super()._repr_mimebundle_() or ({}, {})
        return dict(data)

    def _twin_data(self) -> dict[str, str]:
        return {"text/html": self._twin_html(), "text/plain": visible_line(self._plain_text())}

    def _refresh_twin(self) -> None:
        """Update the twin in the notebook, but rarely: each update sends all of its HTML to the page."""
        is_early = time.monotonic() - self._twin_time < TWIN_PAUSE_SECONDS
        if not self._twin_shown or not self._twin_due or is_early or self._is_unsettled:
            return
        self._twin_due, self._twin_time = False, time.monotonic()
        html = self._twin_html()
        if html != self._twin_shown:
            self._twin_shown = html
            _publish(self._twin_data(), display_id=f"twin-{self.twin}", update=True)

    # Messages from the page

    def _receive(self, _widget: object, message: object, _buffers: object) -> None:
        if not isinstance(message, Mapping):
            return
        # ipykernel gives the messages of a page to the thread that answered last. Updates run in the context of the newest
        # message, which keeps later ones off the main thread: a cell may be waiting there for the build that the page cancels.
        self._context = contextvars.copy_context()
        try:
            answer = self._handle(message)
            if answer is not None:
                self._answers.put(answer | {"answers": message.get("id")})
        except Exception as problem:
            # No reader would see an exception of a callback.
            self._show_error(problem)
        self._request_paint()


def _publish(data: dict[str, Any], *, display_id: str | None = None, update: bool = False) -> None:
    from IPython.display import publish_display_data

    transient = {} if display_id is None else {"display_id": display_id}
    publish_display_data(data, transient=transient, update=update)  # type: ignore[no-untyped-call]
