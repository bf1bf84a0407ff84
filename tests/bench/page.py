"""The workbench on its page, in Chromium: the figures that the browser tests note, held against what is promised."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["page"]

ROOT = Path(__file__).resolve().parents[2]


def page() -> None:
    """Prints each figure with its promise.

    Raises: subprocess.CalledProcessError when a promise is not kept.
    """
    print("the workbench on its page", flush=True)
    argv = [sys.executable, "-m", "pytest", "-q", "-s", "tests/browser/test_quick.py"]
    subprocess.run(argv, cwd=ROOT, env=os.environ | {"SPEEDKIT_HOLD_PROMISES": "1"}, check=True)
