"""Keeps recordings, stored layers and images within their limits, after a build has ended and nobody waits any more."""

from __future__ import annotations

import atexit
import contextlib
import threading

from speedkit.budget import DEFAULT_LIMITS, Part, SpaceUse, limit_bytes
from speedkit.engine import Engine, keep_images, size_of_images, size_of_stand_ins
from speedkit.errors import SpeedkitError
from speedkit.images import keep_layers, size_of_layers
from speedkit.recordings import keep_recordings, size_of_recordings
from speedkit.state import state_home

__all__ = ["disk_use", "keep_in_background", "keep_limits"]

END_SECONDS = 5.0

_lock = threading.Lock()
_engines_to_check: dict[str, Engine] = {}
"""The engines of builds that ended since the limits were last kept, by their address."""
_threads: list[threading.Thread] = []


def keep_in_background(engine: Engine) -> None:
    """Keep the limits in a thread. When this process ends meanwhile, it waits up to five seconds for that.

    There is one such thread at a time; for a build that ends meanwhile, it keeps the limits once more. Call this before anybody
    learns that the build has ended, or the process may be gone by then.
    """
    with _lock:
        _engines_to_check[engine.host] = engine
        if any(thread.is_alive() for thread in _threads):
            return
        thread = threading.Thread(target=_keep_all, name="keeping limits", daemon=True)
        # A Python that is ending starts no more threads. Then the next build keeps the limits.
        with contextlib.suppress(RuntimeError):
            thread.start()
            _threads[:] = [thread]


@atexit.register
def _wait() -> None:
    # Ctrl-C at this point means "now". The next build keeps the limits.
    with contextlib.suppress(KeyboardInterrupt):
        for thread in _threads[:]:
            thread.join(END_SECONDS)


def _keep_all() -> None:
    while True:
        # The end is decided under the lock: a build that ends at this moment either is in the list, or starts a new thread.
        with _lock:
            if not _engines_to_check:
                _threads.clear()
                return
            _, engine = _engines_to_check.popitem()
        with contextlib.suppress(SpeedkitError, OSError):
            keep_limits(engine)


def keep_limits(engine: Engine | None) -> None:
    """Remove the oldest recordings, layers and images that are over a limit. engine: None leaves images alone.

    Raises: EngineError, StateRefused.
    """
    keep_recordings(state_home() / "recordings", limit_bytes("recordings"))
    keep_layers(state_home() / "layers", limit_bytes("layers"))
    if engine is not None:
        keep_images(engine, limit_bytes("images"))


def disk_use(engine: Engine | None) -> tuple[SpaceUse, ...]:
    """The bytes that each part takes on disk, and its limit; images only where an engine answers."""
    used: dict[Part, int] = {
        "recordings": size_of_recordings(state_home() / "recordings"),
        "layers": size_of_layers(state_home() / "layers"),
    }
    if engine is not None:
        with contextlib.suppress(SpeedkitError):
            used["images"] = size_of_images(engine)
            used["stand_ins"] = size_of_stand_ins(engine)
    return tuple(SpaceUse(part, used[part], limit_bytes(part)) for part in DEFAULT_LIMITS if part in used)
