"""Reading: the import, a long stream of events, a long log of CI, ten thousand recordings."""

from __future__ import annotations

import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

from speedkit.build_records.text_log import read_text_log
from speedkit.context import Manifest
from speedkit.recordings.rawjson import read_rawjson
from speedkit.recordings.recording import Meta, list_recordings, new_id, write_recording
from tests.bench.figures import print_figure, print_seconds, seconds_of

EVENTS = 200_000
RECORDINGS = 10_000
LOG_BYTES = 500_000_000


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


def long_logs() -> None:
    """Reading logs of 500 MB: megabytes per second, and the memory of the process that reads them."""
    print(f"reading logs of {LOG_BYTES / 1e6:.0f} MB")
    for name in ("bare", "actions", "classic", "no build"):
        program = f"from tests.bench.reading import read_long_log; read_long_log({name!r})"
        done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        megabytes_a_second, memory_megabytes = done.stdout.split()
        print_figure(f"{name}, MB per second", megabytes_a_second, wanted="at least 50")
        print_figure(f"{name}, MB of memory", memory_megabytes, wanted="at most 200")


def read_long_log(name: str) -> None:
    """Read a log that is made while it is read; print its speed and the most memory of this process."""
    seconds = seconds_of(lambda: read_text_log(_LongLog(name)))
    print(f"{LOG_BYTES / 1e6 / seconds:.0f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


class _LongLog(io.RawIOBase):
    """The log of a build whose steps print much, 2,000 lines at a time, with the prefix of a CI system."""

    def __init__(self, name: str) -> None:
        prefix = b"2024-05-01T12:00:00.1234567Z " if name == "actions" else b""
        before = {"classic": b"", "no build": b""}.get(name, prefix + b"#%d 1.234 ")
        header = {"classic": b"Step %d/20 : RUN make\n ---> Running in 06b96b3ef804\n", "no build": b"round %d\n"}.get(
            name, prefix + b"#%d [stage 2/3] RUN make\n"
        )
        rounds = []
        for number in range(1, 21):
            line_start = before % number if before else b""
            lines = (line_start + b"Get:%d http://deb.example/debian bookworm/main amd64 lib%d\n" % (k, k) for k in range(2000))
            rounds.append(header % number + b"".join(lines))
        self._data = b"".join(rounds)
        self._left = LOG_BYTES
        self._place = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._data[self._place : self._place + min(len(buffer), self._left)]
        self._left -= len(piece)
        self._place = (self._place + len(piece)) % len(self._data)
        buffer[: len(piece)] = piece
        return len(piece)


def listing() -> None:
    """Listing 10,000 recordings."""
    print(f"listing {RECORDINGS:,} recordings")
    with tempfile.TemporaryDirectory() as place:
        for _ in range(RECORDINGS):
            meta = Meta(new_id("x"), "app", "/app", "/app", "x", "none", "2026-01-01T00:00:00+00:00", 1.0, "done", 0)
            write_recording(Path(place), meta, raw=[], dockerfile="FROM scratch\n", context=Manifest(()), image=None)
        seconds = [seconds_of(lambda: list_recordings(Path(place))) for _ in range(3)]
    print_seconds("list_recordings", seconds, wanted="under 2 s")
