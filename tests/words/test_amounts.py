"""Amounts are quick to have."""

from __future__ import annotations

import subprocess
import sys

SHOWS_AMOUNTS = "import sys, speedkit.images.summary, speedkit.words.amounts; print('speedkit.causes' in sys.modules)"


def test_amounts_are_had_without_all_causes():
    """`speedkit layers` shows amounts, and has no time for the causes of steps."""
    assert subprocess.run([sys.executable, "-c", SHOWS_AMOUNTS], capture_output=True, text=True, check=True).stdout == "False\n"
