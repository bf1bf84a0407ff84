"""Reading: the import, a long stream of events, ten thousand recordings."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

from speedkit.context import Manifest
from speedkit.recordings.rawjson import read_rawjson
from speedkit.recordings.recording import Meta, list_recordings, new_id, write_recording
from tests.bench.figures import print_ratio, print_seconds

EVENTS = 200_000
RECORDINGS = 10_000


def import_time() -> None:
    """`import speedkit` in a fresh Python against an empty program."""
    print("import speedkit")
    bare, imported = [], []
    for _ in range(11):
        bare.append(_run("pass"))
        imported.append(_run("import speedkit"))
    print_seconds("python -c pass", bare)
    print_seconds("python -c 'import speedkit'", imported)
    print_seconds(
        "the import itself (promised: at most 0.2 s)", [one - other for one, other in zip(imported, bare, strict=True)]
    )


def _run(program: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - began


def events() -> None:
    """Events read per second from a recording of 200,000 log events."""
    print(f"reading {EVENTS:,} log events")
    lines = list(_log_lines())
    speeds = []
    for _ in range(5):
        began = time.perf_counter()
        found = read_rawjson(lines)
        speeds.append(found.events / (time.perf_counter() - began))
    print(f"  events/s: {sorted(speeds)[2]:,.0f}  ({min(speeds):,.0f} to {max(speeds):,.0f}; promised: at least 100,000)")


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
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            list_recordings(Path(place))
            seconds.append(time.perf_counter() - began)
    print_seconds("list_recordings (promised: under 2 s)", seconds)
    print_ratio("per thousand recordings", seconds, [RECORDINGS / 1000] * 3, wanted="under 0.2 s")
