"""Another process that uses the kit, for tests of what happens while it lives and when it is killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

IMPORTS = """
import os, sys
from pathlib import Path
import speedkit as sk
from speedkit import ownership
from speedkit.state import state_folder
"""


@contextlib.contextmanager
def another_process(code: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that runs the code, prints a line when it is done with it, and lives until it is ended."""
    text = f"{IMPORTS}\n{code}\nsys.stdin.read()\n"
    with subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()
