"""Debian's Chromium for the browser tests: found, or installed where this is Debian or Ubuntu and we are root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

__all__ = ["FLAGS", "find_chromium", "require_chromium"]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """The path of a Chromium on this machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def require_chromium() -> None:
    """Install Chromium when it is missing; end the process with what to do where that cannot be done here."""
    if find_chromium():
        return
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("The browser tests need Chromium. On Debian and Ubuntu: sudo apt-get install chromium")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    packages = ["chromium", "fonts-noto-core", "fonts-dejavu-core"]
    for argv in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL)
