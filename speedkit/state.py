"""Where speedkit keeps what it makes: recordings, working copies, the engine it started.

`SPEEDKIT_HOME` moves all of it; otherwise the folder that the operating system sets aside for state.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["state_folder"]


def state_folder(*parts: str) -> Path:
    """The folder for a part of speedkit's state, made when missing."""
    home = os.environ.get("SPEEDKIT_HOME") or platformdirs.user_state_dir("speedkit")
    folder = Path(home).joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
