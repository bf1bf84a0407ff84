"""A short slice of the soak, and how its growth is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.measuring import ALLOWED, growth_of
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
SLICE = """\
import json, sys
from pathlib import Path
from tests.soak.measuring import measure_process
from tests.soak.work import Work
work = Work(Path(sys.argv[1]), "alpine")
measured = []
for number in range(60):
    work.do(number)
    if number in (29, 59):
        work.settle()
        measured.append(measure_process())
work.close()
print(json.dumps(measured))
"""


@pytest.mark.engine
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_sixty_builds_leave_no_open_file_no_thread_and_no_process(tmp_path):
    """Thirty are enough to have all that stays: the client's connections, the painter. The numbers are exact."""
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", SLICE, str(tmp_path / "apps")]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=4 * HANG_SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    half, end = json.loads(done.stdout.splitlines()[-1])
    assert end["processes"] == 0
    assert end["files"] <= half["files"]
    assert end["threads"] <= half["threads"]


def test_a_leak_of_one_a_hundred_builds_is_seen_and_one_odd_moment_is_not():
    steady = [(builds, 20.0) for builds in range(25, 1001, 25)]
    assert growth_of("files", steady).is_flat
    assert growth_of("files", [*steady[:-1], (1000, 90.0)]).is_flat
    leaking = [(builds, 20.0 + builds / 100) for builds, _ in steady]
    assert not growth_of("files", leaking).is_flat
    assert growth_of("files", leaking).grown == pytest.approx(10)


def test_what_grows_in_the_first_half_only_is_flat():
    filling = [(builds, min(builds, 400) / 10) for builds in range(25, 1001, 25)]
    assert growth_of("memory_mb", filling).is_flat
    assert set(ALLOWED) >= {"memory_mb", "threads", "files", "processes", "containers"}
