"""Progress of a comparison: which build runs, and how many are done. Notebooks show a bar; a terminal has its own `Watch`."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Protocol, Self

from speedkit.messages import message, plural
from speedkit.model import Build
from speedkit.rendering import NOT_MATH, html_text
from speedkit.words import seconds_text

from .notebook_view import notebook_shell

__all__ = ["Watch", "quiet_or_notebook"]


class Watch(Protocol):
    """Gets a call when each build of a comparison begins and ends. what: a short text such as `naive, rename-field`."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def begin(self, label: str) -> None: ...
    def end(self, build: Build) -> None: ...


class _Quiet:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def begin(self, label: str) -> None:  # noqa: ARG002
        return None

    def end(self, build: Build) -> None:  # noqa: ARG002
        return None


class _Notebook(_Quiet):
    """A progress bar in the cell's output; at the end with the seconds of all builds."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._began = total, 0, time.monotonic()
        self._handle: Any = None

    def begin(self, label: str) -> None:
        self._paint(message("{number} of {total}: {label}", number=self._done + 1, total=self._total, label=label))

    def end(self, build: Build) -> None:  # noqa: ARG002 (the bar counts)
        self._done += 1
        seconds = seconds_text(time.monotonic() - self._began)
        self._paint(
            plural(
                "{done} of {count} build, {seconds}",
                "{done} of {count} builds, {seconds}",
                self._total,
                done=self._done,
                seconds=seconds,
            )
        )

    def _paint(self, text: str) -> None:
        from IPython.display import HTML, display

        label = html_text(message("builds"))
        bar = HTML(
            f'<div class="{NOT_MATH}"><progress max="{self._total}" value="{self._done}" aria-label="{label}"></progress> '
            f"{html_text(text)}</div>"
        )
        if self._handle is None:
            self._handle = display(bar, display_id=True)
        else:
            self._handle.update(bar)


def quiet_or_notebook(total: int) -> Watch:
    """A progress bar where there is a notebook to show it in; nothing elsewhere."""
    return _Notebook(total) if notebook_shell() is not None else _Quiet()
