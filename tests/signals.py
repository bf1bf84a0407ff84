"""Signals that this process was started to ignore: by `nohup`, or in the background of a script."""

from __future__ import annotations

import signal
from types import FrameType

__all__ = ["hand_on_no_ignored_signals"]


def hand_on_no_ignored_signals() -> None:
    """Let the programs that tests start and end by a signal obey it.

    A program inherits that a signal is ignored, but not that it is handled: where this process ignored one, it has a handler
    from now on that does nothing, or Python's own for Ctrl-C.
    """
    handlers = {"SIGHUP": _do_nothing, "SIGTERM": _do_nothing, "SIGINT": signal.default_int_handler}
    for name, handler in handlers.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    return
