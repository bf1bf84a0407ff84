"""Reading: the import, a long stream of events, ten thousand recordings."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

from speedkit.context import Manifest
from speedkit.recordings.rawjson import read_rawjson
from speedkit.recordings.recording import Meta, list_recordings, new_id, write_recording
from tests.bench.figures import print_figure, print_seconds, seconds_of

EVENTS = 200_000
RECORDINGS = 10_000


def import_time() -> None:
    """`import speedkit` in a fresh Python against an empty program."""
    print("import speedkit")
    bare, imported = [], []
    for _ in range(11):
        bare.append(seconds_of(lambda: _run("pass")))
        imported.append(seconds_of(lambda: _run("import speedkit")))
    print_seconds("python -c pass", bare)
    print_seconds("python -c 'import speedkit'", imported)
    print_seconds("the import itself", [one - other for one, other in zip(imported, bare, strict=True)], wanted="at most 0.2 s")


def _run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True)


def events() -> None:
    """Events read per second from a recording of 200,000 log events."""
    print(f"reading {EVENTS:,} log events")
    lines = list(_log_lines())
    speeds = []
    for _ in range(5):
        seconds = seconds_of(lambda: read_rawjson(lines))
        speeds.append(EVENTS / seconds)
    text = f"{statistics.median(speeds):,.0f}  ({min(speeds):,.0f} to {max(speeds):,.0f})"
    print_figure("events per second", text, wanted="at least 100,000")


def _log_lines() -> Iterator[bytes]:
    digest = "sha256:" + "0" * 64
    for number in range(EVENTS):
        data = b64encode(f"github.com/some/module/package number {number}\n".encode()).decode()
        entry = {"vertex": digest, "stream": 1, "data": data, "timestamp": "2026-01-01T00:00:00.000000001Z"}
        yield json.dumps({"logs": [entry]}).encode() + b"\n"


def listing() -> None:
    """Listing 10,000 recordings."""
    print(f"listing {RECORDINGS:,} recordings")
    with tempfile.TemporaryDirectory() as place:
        for _ in range(RECORDINGS):
            meta = Meta(new_id("x"), "app", "/app", "/app", "x", "none", "2026-01-01T00:00:00+00:00", 1.0, "done", 0)
            write_recording(Path(place), meta, raw=[], dockerfile="FROM scratch\n", context=Manifest(()), image=None)
        seconds = [seconds_of(lambda: list_recordings(Path(place))) for _ in range(3)]
    print_seconds("list_recordings", seconds, wanted="under 2 s")
