"""Forecasts agree with an engine that keeps its images in containerd's store, too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from speedkit.engine.connection import Engine

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 40
SEED = 91


@pytest.mark.engine
@pytest.mark.conformance
def test_forecasts_agree_with_an_engine_that_has_containerds_store(containerd_engine: Engine, small_image: str) -> None:
    held = subprocess.run(
        [sys.executable, "-m", "tests.conformance", f"--pairs={PAIRS}", f"--seed={SEED}"],
        cwd=ROOT,
        env=os.environ | {"DOCKER_HOST": containerd_engine.host, "SPEEDKIT_TEST_BASE": small_image},
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.search(r"(\d+) pairs, .* (\d+) disagreements", held.stdout)
    assert held.returncode == 0, held.stdout + held.stderr
    assert told is not None
    assert int(told[1]) >= PAIRS
    assert told[2] == "0"
