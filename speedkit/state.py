"""Where speedkit keeps what it makes: recordings, working copies, the engine it started.

`SPEEDKIT_HOME` moves all of it; otherwise the folder that the operating system sets aside for state.
"""

from __future__ import annotations

import os
from pathlib import Path

from speedkit.errors import StateRefused

__all__ = ["state_folder", "state_home"]


def state_folder(*parts: str) -> Path:
    """The folder for a part of speedkit's state, made when missing.

    Raises: StateRefused.
    """
    folder = state_home().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StateRefused(
            f"The folder {folder}, for recordings and copies, cannot be made: {problem.strerror}.",
            fix="Set SPEEDKIT_HOME to a folder that you may write to.",
        ) from None
    return folder


def state_home() -> Path:
    """The folder of all state, whether it is there or not."""
    return Path(os.environ.get("SPEEDKIT_HOME") or _set_aside())


def _set_aside() -> str:
    import platformdirs

    return platformdirs.user_state_dir("speedkit")
