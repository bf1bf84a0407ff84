"""Runs programs of the operating system for the set-up, with errors that say which and why, and what to do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from speedkit.errors import SetupError
from speedkit.messages import message

__all__ = ["apt_install", "run"]

SHOWN_LINES = 12
NO_ROOM = re.compile(r"no space left on device|disk quota exceeded|enough free space", re.IGNORECASE)
NO_NETWORK = re.compile(
    r"failure resolving|could not resolve|connection (?:timed out|refused|failed)|network is unreachable|no such host"
    r"|failed to establish a new connection|could not connect|read timed out|i/o timeout|unable to connect",
    re.IGNORECASE,
)
HALF_INSTALLED = "dpkg --configure -a"
"""What apt says is to be typed first, after an installation that was interrupted."""
APT_PATIENCE = tuple(
    f"-o{name}"
    for name in ("DPkg::Lock::Timeout=300", "Acquire::Retries=2", "Acquire::http::Timeout=30", "Acquire::https::Timeout=30")
)


def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, minutes: float = 20) -> str:
    """A program's output.

    minutes: it is ended, with the programs that it started, when it takes longer.
    Raises: SetupError with its last lines when it fails, takes too long or is not there.
    """
    try:
        running = subprocess.Popen(
            list(argv),
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError:
        raise SetupError(
            message("{program} is not installed.", program=argv[0]),
            fix=message("Install {program}, then repeat `speedkit setup`.", program=argv[0]),
        ) from None
    except OSError as problem:
        raise SetupError(
            message("{program} could not be started: {problem}.", program=argv[0], problem=problem.strerror),
            fix=message("Mend that, then repeat `speedkit setup`: it goes on from here."),
        ) from None
    command = " ".join(argv)
    try:
        output, errors = running.communicate(timeout=minutes * 60)
    except subprocess.TimeoutExpired:
        _end(running)
        raise SetupError(
            message("`{command}` was ended: it took longer than {minutes:.3g} minutes.", command=command, minutes=minutes),
            fix=message("See what it waits for, then repeat `speedkit setup`: it goes on from here."),
        ) from None
    except BaseException:
        # Ctrl-C reaches this process alone, as the other is in a session of its own.
        _end(running)
        raise
    if running.returncode:
        tail = "\n".join((output + errors).strip().splitlines()[-SHOWN_LINES:])
        sentence = message("`{command}` failed with exit code {code}:", command=command, code=running.returncode)
        raise SetupError(sentence, quoted=tail, fix=_fix(output + errors))
    return output


def _fix(said: str) -> str:
    if NO_ROOM.search(said):
        return message("Free some room on the disk, then repeat `speedkit setup`: it goes on from here.")
    if NO_NETWORK.search(said):
        return message(
            "See whether the network is there and HTTPS_PROXY is right, then repeat `speedkit setup`: it goes on from here."
        )
    return ""


def _end(running: subprocess.Popen[str]) -> None:
    """End a program and what it started: politely first, as apt then lets go of its locks."""
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(running.pid, number)
            else:
                running.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            running.communicate(timeout=10)
            return


def apt_install(packages: Sequence[str], *, update: bool) -> None:
    """Install Debian packages without recommended extras.

    update: fetch the lists of packages first.
    Raises: SetupError.
    """
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if update:
        # Somebody else's broken source makes this fail, and what is wanted may be had all the same.
        with suppress(SetupError):
            run(["apt-get", *APT_PATIENCE, "update", "-q"], env=environment)
    install = ["apt-get", *APT_PATIENCE, "install", "-y", "-q", "--no-install-recommends", *packages]
    try:
        run(install, env=environment, minutes=30)
    except SetupError as problem:
        if HALF_INSTALLED not in problem.what:
            raise
        # An installation was interrupted before, perhaps ours.
        run(["dpkg", "--configure", "-a"], env=environment, minutes=30)
        run(install, env=environment, minutes=30)
