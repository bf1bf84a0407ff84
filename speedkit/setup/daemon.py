"""The engine that speedkit starts itself: started, stopped and looked after; never anybody else's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from speedkit.engine.connection import Engine, connect, engine_of_the_user
from speedkit.errors import NoEngine, SetupError
from speedkit.setup.commands import run
from speedkit.setup.debian import is_root
from speedkit.state import open_private, state_folder, state_home

__all__ = ["Status", "start_engine", "status", "stop_engine"]

PID_FILE = Path("/var/run/docker.pid")
SYSTEMD = Path("/run/systemd/system")
READY_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Status:
    """Whether an engine answers, and whether speedkit started it. log: where ours writes."""

    answers: bool
    version: str | None
    ours: bool
    log: Path | None


def status() -> Status:
    """How it stands with the engine."""
    ours = _our_process() is not None
    log = _log() if ours and not _is_service() else None
    try:
        return Status(True, connect().version, ours, log)
    except NoEngine:
        return Status(False, None, ours, log)


def start_engine() -> Engine:
    """An engine that answers: the one that does already, or the installed one, started now.

    Started by systemd where that runs, else as a process of its own with its pid and log in the state folder.
    Raises: SetupError when there is none to start, or it does not answer within a minute.
    """
    try:
        return connect()
    except NoEngine:
        pass
    if named := engine_of_the_user():
        raise SetupError(f"{named} names an engine of yours, and nothing answers there.", fix="Start it or unset it.")
    if shutil.which("dockerd") is None:
        raise SetupError("No Docker engine is installed.", fix="Run `speedkit setup`.")
    if not is_root():
        raise SetupError(
            "The Docker engine is installed but does not run, and only root can start it.",
            fix="Run `sudo systemctl start docker`, or `sudo .venv/bin/speedkit engine start`.",
        )
    if SYSTEMD.is_dir():
        return _start_service()
    return _wait(_start_detached())


def _start_service() -> Engine:
    run(["systemctl", "start", "docker"])
    engine = _wait(None)
    pid = _number(run(["systemctl", "show", "--property=MainPID", "--value", "docker"]))
    if pid:
        _remember(pid, service=True)
    return engine


def _remember(pid: int, *, service: bool) -> None:
    state_folder("engine")
    record = {"pid": pid, "started": _start_time(pid), "service": service}
    with open_private(_record(), "w", encoding="utf-8") as out:
        json.dump(record, out)


def _start_detached() -> subprocess.Popen[bytes]:
    # A pid file of an engine that was killed keeps the next one from starting.
    if PID_FILE.is_file() and not _is_dockerd(_number(PID_FILE.read_text())):
        PID_FILE.unlink()
    state_folder("engine")
    with open_private(_log(), "ab") as log:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
    _remember(process.pid, service=False)
    return process


def _wait(process: subprocess.Popen[bytes] | None) -> Engine:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return connect()
        except NoEngine as problem:
            ended = process is not None and process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise SetupError(f"The Docker engine did not start. {_last_lines()}", fix=f"Its log: {_log()}") from problem
        time.sleep(LOOK_SECONDS)


def _last_lines() -> str:
    if not _log().is_file():
        return "See `journalctl -u docker`."
    lines = _log().read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
    return "It said last: " + " ".join(lines)


def stop_engine() -> bool:
    """Stop the engine that speedkit started; False when it started none that still runs.

    Raises: SetupError when it does not end.
    """
    pid = _our_process()
    if pid is None:
        return False
    if _is_service():
        run(["systemctl", "stop", "docker.socket", "docker.service"])
    else:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_running(pid):
        if time.monotonic() > deadline:
            raise SetupError(f"The engine (process {pid}) did not stop.", fix=f"Its log: {_log()}")
        time.sleep(LOOK_SECONDS)
    _record().unlink(missing_ok=True)
    return True


def _our_process() -> int | None:
    """The pid of the engine we started: it still runs, and is the same process and not a later one of that number."""
    try:
        record = json.loads(_record().read_text(encoding="utf-8"))
        pid, started = int(record["pid"]), record["started"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if _is_running(pid) and started == _start_time(pid) else None


def _is_service() -> bool:
    return bool(json.loads(_record().read_text(encoding="utf-8")).get("service"))


def _is_running(pid: int) -> bool:
    state = _stat(pid)
    return state is not None and state[0] != "Z"


def _is_dockerd(pid: int | None) -> bool:
    try:
        return pid is not None and Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd"
    except OSError:
        return False


def _start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot (proc(5), field 22 of stat)."""
    state = _stat(pid)
    return state[19] if state else None


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on; those before may hold spaces."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None


def _record() -> Path:
    return state_home() / "engine" / "process.json"


def _log() -> Path:
    return state_home() / "engine" / "dockerd.log"
