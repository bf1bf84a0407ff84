"""Runs programs of the operating system for the set-up, with errors that say which and why."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from speedkit.errors import SetupError

__all__ = ["apt_install", "run"]

SHOWN_LINES = 12


def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """A program's output.

    Raises: SetupError with its last lines when it fails or is not there.
    """
    try:
        done = subprocess.run(list(argv), env=env, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise SetupError(f"{argv[0]} is not installed.", fix=f"Install {argv[0]}, then repeat `speedkit setup`.") from None
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-SHOWN_LINES:])
        raise SetupError(f"`{' '.join(argv)}` failed with exit code {done.returncode}:", quoted=tail)
    return done.stdout


def apt_install(packages: Sequence[str], *, update: bool) -> None:
    """Install Debian packages without recommended extras.

    update: fetch the lists of packages first.
    Raises: SetupError.
    """
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    if update:
        # Somebody else's broken source makes this fail, and what is wanted may be had all the same.
        with suppress(SetupError):
            run(["apt-get", "update", "-q"], env=environment)
    run(["apt-get", *wait, "install", "-y", "-q", "--no-install-recommends", *packages], env=environment)
