"""Code that has to be quick whatever it is given: run in a process that may not use more processor time than a limit.

Processor time, so that a busy machine makes no difference; a process of its own, as a regular expression that backtracks
cannot be stopped otherwise.
"""

from __future__ import annotations

import resource
import subprocess
import sys

__all__ = ["within_cpu_seconds"]


def within_cpu_seconds(seconds: int, code: str, *arguments: str) -> str:
    """What the code prints. An AssertionError when it fails, or takes longer."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        preexec_fn=limited,
    )
    assert done.returncode == 0, f"ended with {done.returncode} within {seconds} s of processor time:\n{done.stdout[-2000:]}"
    return done.stdout
