"""Rows about the notebook server that `make lab` starts."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.faults.table import Place, fault
from tests.waiting import HANG_SECONDS, listens, wait_until

LISTENING = "0A"
ASKED_TO_LOG_IN = 0
LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
"""127.0.0.1 and ::1 in /proc/net/tcp and tcp6 (Documentation/networking/proc_net_tcp.rst)."""


@fault(
    "lab-is-private",
    attack="d",
    what="JupyterLab as `make lab` starts it: who can reach it, with what, and what is left of it after SIGTERM",
    right="Loopback and a token only; nothing of the token on a command line; nothing is left",
    engine=False,
)
def lab_is_private(place: Place) -> str:
    runtime, log = place.folder / "runtime", place.folder / "log"
    argv = [sys.executable, "-m", "speedkit", "lab", str(place.folder), "--no-browser", "--", "--ServerApp.port=0"]
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(place.folder / "config")}
    with log.open("wb") as output:
        server = subprocess.Popen(argv, env=environment, stdout=output, stderr=output)
    wait_until(lambda: any(runtime.glob("jpserver-*.json")) and b"is running at" in log.read_bytes())
    described = json.loads(next(runtime.glob("jpserver-*.json")).read_text())
    wait_until(lambda: listens(described["port"]))
    address, token = f"http://127.0.0.1:{described['port']}", described["token"]
    assert re.fullmatch(r"[0-9a-f]{48}", token), "the token is short"
    for path in ("/api/contents", "/api/kernels", "/files/log", "/api/terminals"):
        assert _status(f"{address}{path}") in (403, ASKED_TO_LOG_IN), path
    assert _status(f"{address}/api/status?token={token}") == 200
    assert _status(f"{address}/api/status?token={token}", host="evil.example") == 403
    assert _listening_ports() == {described["port"]}, "another port is open"
    assert not _open_to_the_world(), "a port is open beyond loopback"
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700, oct(runtime.stat().st_mode)
    assert not _stands_on_a_command_line(token), "the token stands on a command line"
    server.send_signal(signal.SIGTERM)
    server.wait(HANG_SECONDS)
    assert not _listening_ports()
    return "127.0.0.1 only; 403 without the token of 48 digits and for a foreign host; runtime folder 0700; nothing left"


def _status(address: str, *, host: str | None = None) -> int:
    asked = urllib.request.Request(address, headers={} if host is None else {"Host": host})
    try:
        with urllib.request.urlopen(asked, timeout=HANG_SECONDS) as reply:
            return ASKED_TO_LOG_IN if "/login?" in reply.url else int(reply.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def _sockets() -> list[tuple[str, int]]:
    """Address and port of each socket that listens in this network."""
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/self/net", table).read_text().splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            host, _, port = local.partition(":")
            if state == LISTENING:
                listening.append((host, int(port, 16)))
    return listening


def _listening_ports() -> set[int]:
    return {port for _, port in _sockets()}


def _open_to_the_world() -> bool:
    return any(host not in LOOPBACK for host, _ in _sockets())


def _stands_on_a_command_line(text: str) -> bool:
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_bytes())
        except OSError:
            continue
    return any(text.encode() in line for line in lines)
