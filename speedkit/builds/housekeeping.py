"""Keeps what builds leave within its limits, after a build has ended and nobody waits any more."""

from __future__ import annotations

import atexit
import contextlib
import threading

from speedkit.budget import DEFAULT_LIMITS, Part, SpaceUse, limit_bytes
from speedkit.engine import Engine, keep_images, size_of_images
from speedkit.errors import SpeedkitError
from speedkit.images import keep_layers, size_of_layers
from speedkit.recordings import keep_recordings, size_of_recordings
from speedkit.state import state_home

__all__ = ["keep_in_background", "keep_limits", "room_taken"]

END_SECONDS = 5.0

_lock = threading.Lock()
_asked: dict[str, Engine] = {}
"""The engines of builds that ended since the limits were kept last, by their address."""
_at_work: list[threading.Thread] = []


def keep_in_background(engine: Engine) -> None:
    """Keep the limits while this process goes on; at its end it waits a little for that.

    Once at a time: for a build that ends meanwhile, the limits are kept once more. Begin with it before anybody learns that
    the build has ended, or the process may be gone by then.
    """
    with _lock:
        _asked[engine.host] = engine
        if any(thread.is_alive() for thread in _at_work):
            return
        keeping = threading.Thread(target=_keep_while_asked, name="keeping limits", daemon=True)
        # A Python that ends begins no threads any more: the next build keeps the limits.
        with contextlib.suppress(RuntimeError):
            keeping.start()
            _at_work[:] = [keeping]


@atexit.register
def _wait() -> None:
    # Whoever interrupts the end wants it at once: the next build keeps the limits.
    with contextlib.suppress(KeyboardInterrupt):
        for thread in _at_work[:]:
            thread.join(END_SECONDS)


def _keep_while_asked() -> None:
    while True:
        with _lock:
            if not _asked:
                _at_work.clear()
                return
            _, engine = _asked.popitem()
        _keep_quietly(engine)


def _keep_quietly(engine: Engine) -> None:
    with contextlib.suppress(SpeedkitError, OSError):
        keep_limits(engine)


def keep_limits(engine: Engine | None) -> None:
    """Remove what is over a limit. engine: None leaves images alone.

    Raises: EngineError, StateRefused.
    """
    keep_recordings(state_home() / "recordings", limit_bytes("recordings"))
    keep_layers(state_home() / "layers", limit_bytes("layers"))
    if engine is not None:
        keep_images(engine, limit_bytes("images"))


def room_taken(engine: Engine | None) -> tuple[SpaceUse, ...]:
    """How much room each part takes and may take; images only where an engine says so."""
    used: dict[Part, int] = {
        "recordings": size_of_recordings(state_home() / "recordings"),
        "layers": size_of_layers(state_home() / "layers"),
    }
    if engine is not None:
        with contextlib.suppress(SpeedkitError):
            used["images"] = size_of_images(engine)
    return tuple(SpaceUse(part, used[part], limit_bytes(part)) for part in DEFAULT_LIMITS if part in used)
