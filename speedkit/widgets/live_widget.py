"""What every live widget here does: one thread paints it, messages of a page are heard, and a plain twin stays behind.

The page keeps nothing that Python does not have, so that a reload shows the same. anywidget carries it into JupyterLab,
Notebook 7 and VS Code alike: https://anywidget.dev
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

from speedkit.visible import visible_line

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
    """A widget whose traits are written by one thread, and that leaves HTML without a script in the notebook.

    A widget says what is seen (`_seen`, a value for each trait), what its twin is (`_twin_html`, `_in_words`), what a message
    does (`_hear`, which may give an answer), and shows errors (`_complain`). `_is_unsettled` puts the twin off, `_after_paint`
    is for what may keep nothing waiting.
    """

    # Traits and not paths: anywidget keeps every widget whose script is a path for ever, to tell it when the file changes.
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    static_name: ClassVar[str]
    """What the script and the style sheet of the widget are called, in the folder `static`."""

    said = traitlets.Unicode().tag(sync=True)
    twin = traitlets.Unicode().tag(sync=True)
    catalogue = traitlets.Dict().tag(sync=True)
    """The messages of the page's own code in another language than English."""

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
            # ipykernel 7.4 hands a page's messages to the thread that wrote to the page last. That is the one that runs cells,
            # as long as no message was heard, so none would be while the next cell runs. They go where the page sends them.
            self.comm._reply_subshell_for = lambda _data, of_the_page: of_the_page
        self._updater = Updater(lambda: self._context.run(self._paint), self._complain)

    @traitlets.default("_esm")
    def _default_script(self) -> str:
        return static_text(f"{self.static_name}.js")

    @traitlets.default("_css")
    def _default_style(self) -> str:
        return static_text(f"{self.static_name}.css")

    @traitlets.default("catalogue")
    def _default_catalogue(self) -> dict[str, Any]:
        return page_messages()

    # What a widget says of itself

    def _seen(self) -> dict[str, Any]:
        raise NotImplementedError

    def _twin_html(self) -> str:
        raise NotImplementedError

    def _in_words(self) -> str:
        raise NotImplementedError

    def _hear(self, heard: Message) -> dict[str, Any] | None:
        raise NotImplementedError

    def _complain(self, problem: BaseException) -> None:
        raise NotImplementedError

    def _after_paint(self) -> None:
        """Nothing, where a widget does not say otherwise."""

    @property
    def _is_unsettled(self) -> bool:
        return False

    # Painting

    def _settle(self) -> None:
        """Wait until all that is known now is painted, the twin with it."""
        self._twin_due, self._twin_time = True, 0.0
        if self._updater is not None:
            self._updater.flush()

    def close(self) -> None:
        if self._updater is not None:
            self._updater.stop()
        # A widget of its own, which ipywidgets keeps until it is closed.
        self.layout.close()
        super().close()

    def _wake(self) -> None:
        if self._updater is not None:
            self._updater.wake()

    def _paint(self) -> None:
        seen = self._seen()
        with self.hold_sync():
            for name, value in seen.items():
                if getattr(self, name) != value:
                    setattr(self, name, value)
                    self._twin_due = True
        while not self._answers.empty():
            self.send(self._answers.get())
        self._refresh_twin()
        self._after_paint()

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
        return {"text/html": self._twin_html(), "text/plain": visible_line(self._in_words())}

    def _refresh_twin(self) -> None:
        """Bring the twin in the notebook up to date, not often: each time the whole of it goes to the page."""
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
        # ipykernel sends a page's messages to the thread that answered it last: answering in the context of a message
        # keeps them off the main thread, where a cell may be waiting for what the page wants to cancel.
        self._context = contextvars.copy_context()
        try:
            answer = self._hear(message)
            if answer is not None:
                self._answers.put(answer | {"answers": message.get("id")})
        except Exception as problem:
            # An exception in a callback would reach nobody.
            self._complain(problem)
        self._wake()


def _publish(data: dict[str, Any], *, display_id: str | None = None, update: bool = False) -> None:
    from IPython.display import publish_display_data

    transient = {} if display_id is None else {"display_id": display_id}
    publish_display_data(data, transient=transient, update=update)  # type: ignore[no-untyped-call]
