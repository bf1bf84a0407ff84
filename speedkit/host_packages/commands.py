"""Runs programs of the operating system for set-up, with errors that name the program, the cause and the next step."""

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
"""The command that apt asks for after an interrupted installation."""
APT_PATIENCE = tuple(
    f"-o{name}"
    for name in ("DPkg::Lock::Timeout=300", "Acquire::Retries=2", "Acquire::http::Timeout=30", "Acquire::https::Timeout=30")
)


def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, minutes: float = 20) -> str:
    """A program's output.

    minutes: the limit, after which the program is ended with all programs that it started.
    Raises: SetupError when the program fails, takes too long or is not installed; with its last lines where it failed.
    """
    try:
        process = subprocess.Popen(
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
            fix=message("Fix that, then repeat `speedkit setup`: it goes on from here."),
        ) from None
    command = " ".join(argv)
    try:
        output, errors = process.communicate(timeout=minutes * 60)
    except subprocess.TimeoutExpired:
        _end(process)
        raise SetupError(
            message("`{command}` was ended: it took longer than {minutes:.3g} minutes.", command=command, minutes=minutes),
            fix=message("Find out what it waits for, then repeat `speedkit setup`: it goes on from here."),
        ) from None
    except BaseException:
        # The program is in a session of its own, so a Ctrl-C at the terminal reaches only this process.
        _end(process)
        raise
    if process.returncode:
        text = output + errors
        fix = ""
        if NO_ROOM.search(text):
            fix = message("Free some room on the disk, then repeat `speedkit setup`: it goes on from here.")
        elif NO_NETWORK.search(text):
            fix = message("Check the network and HTTPS_PROXY, then repeat `speedkit setup`: it goes on from here.")
        tail = "\n".join(text.strip().splitlines()[-SHOWN_LINES:])
        sentence = message("`{command}` failed with exit code {code}:", command=command, code=process.returncode)
        raise SetupError(sentence, quoted=tail, fix=fix)
    return output


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and every program that it started."""
    # SIGTERM comes first, because apt then releases its locks. A program that ignores it for ten seconds is killed.
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=10)
            return


def apt_install(packages: Sequence[str], *, update: bool) -> None:
    """Install Debian packages, without the packages that they recommend.

    update: download the lists of packages first.
    Raises: SetupError.
    """
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if update:
        # One broken source of the user's makes the update fail, while the packages may come from another source.
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
