"""Runs Python as the user nobody, for what a test as root would not notice: files that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

__all__ = ["needs_root", "run_as_nobody"]

NOBODY = 65534
ROOT = Path(__file__).resolve().parents[1]

needs_root = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can take another's part")


BEGINNING = f"""
import os, platform, sys
import speedkit.apps, speedkit.cli.program, speedkit.builds, speedkit.cache, speedkit.history
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
os.chdir(sys.argv[1])
"""
"""The kit is loaded by root: nobody may not be able to read this Python."""


def run_as_nobody(code: str) -> subprocess.CompletedProcess[str]:
    """Run code with a folder of nobody's as its first argument, and a state folder of nobody's."""
    # pytest's own folders can be entered by their owner only.
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o711)
        place, home = Path(scratch) / "project", Path(scratch) / "state"
        for folder in (place, home):
            folder.mkdir()
            os.chown(folder, NOBODY, NOBODY)
        environment = os.environ | {"SPEEDKIT_HOME": str(home), "HOME": str(home), "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-c", BEGINNING + code, str(place)]
        return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
