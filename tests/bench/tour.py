"""The tour: all notebooks against the sum of the builds they made."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from speedkit.history import recordings
from tests.bench.figures import print_figure

__all__ = ["notebooks_against_builds"]


def notebooks_against_builds() -> None:
    """A whole tour's seconds, divided by the seconds of the builds recorded in it."""
    print("all notebooks against the sum of their builds")
    session = f"bench-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        argv = [sys.executable, "-m", "speedkit", "tour", f"--out={Path(out) / 'out'}", f"--session={session}"]
        subprocess.run(argv, check=True)
        seconds = time.perf_counter() - began
    building = sum(recording.meta.seconds for recording in recordings(session=session))
    print_figure("tour", f"{seconds:.1f} s, its builds {building:.1f} s, one run")
    print_figure("tour / builds", f"{seconds / building:8.3f}", wanted="at most 1.15")
