"""The engine that speedkit starts itself: started, stopped and looked after; never anybody else's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from speedkit.engine import Engine, connect, engine_of_the_user
from speedkit.errors import NoEngine, SetupError
from speedkit.messages import message
from speedkit.state import open_private, state_folder, state_home

from .commands import run
from .debian import is_root

__all__ = ["Status", "engine_status", "start_engine", "stop_engine"]

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
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


def engine_status() -> Status:
    """How it stands with the engine."""
    record = _our_record()
    ours = record is not None
    log = _log() if record is not None and not record.service else None
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
        raise SetupError(
            message("{variable} names an engine of yours, and nothing answers there.", variable=named),
            fix=message("Start it or unset it."),
        )
    if shutil.which("dockerd") is None:
        raise SetupError(message("No Docker engine is installed."), fix=message("Run `speedkit setup`."))
    if not is_root():
        raise SetupError(
            message("The Docker engine is installed but does not run, and only root can start it."),
            fix=message("Run `sudo systemctl start docker`, or `sudo .venv/bin/speedkit engine start`."),
        )
    with _one_at_a_time():
        try:
            # Whoever held the lock may have started it.
            return connect()
        except NoEngine:
            pass
        if SYSTEMD.is_dir():
            return _start_service()
        # One that was started before and does not answer yet is not started again.
        return _wait(None) if _our_record() is not None else _start_detached()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two commands that start an engine would each note their own process, though one of the two ends at once."""
    import fcntl

    with open_private(state_folder("engine") / "lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start_service() -> Engine:
    run(["systemctl", "start", "docker"])
    engine = _wait(None)
    pid = _number(run(["systemctl", "show", "--property=MainPID", "--value", "docker"]))
    if pid:
        _remember(pid, service=True)
    return engine


def _remember(pid: int, *, service: bool) -> None:
    record = {"pid": pid, "started": _start_time(pid), "boot": _boot(), "service": service}
    whole = state_folder("engine") / "process.json.new"
    with open_private(whole, "w", encoding="utf-8") as out:
        json.dump(record, out)
    # Whoever reads meanwhile finds the old record or the new one.
    whole.replace(_record())


def _start_detached() -> Engine:
    # A pid file of an engine that was killed keeps the next one from starting.
    if PID_FILE.is_file() and not _is_dockerd(_serving_pid()):
        PID_FILE.unlink()
    state_folder("engine")
    with open_private(_log(), "ab") as log:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
    _remember(process.pid, service=False)
    engine = _wait(process)
    if not _serves(process):
        # Somebody started another one at the same moment, and that is the one that answers.
        _record().unlink(missing_ok=True)
    return engine


def _serves(process: subprocess.Popen[bytes]) -> bool:
    """Whether the engine that answers now is this process: only one can hold the pid file, and the others end."""
    holder = _serving_pid()
    if holder == process.pid or (holder is None and process.poll() is None):
        return True
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    if process.poll() is None:
        process.terminate()
    return False


def _wait(process: subprocess.Popen[bytes] | None) -> Engine:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return connect()
        except NoEngine as problem:
            ended = process is not None and process.poll() is not None and not _is_dockerd(_serving_pid())
            if ended or time.monotonic() > deadline:
                what = message("The Docker engine did not start.")
                raise SetupError(f"{what} {_last_lines()}", fix=message("Its log: {path}", path=_log())) from problem
        time.sleep(LOOK_SECONDS)


def _last_lines() -> str:
    if not _log().is_file():
        return message("See `journalctl -u docker`.")
    lines = _log().read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
    return message("It said last: {lines}", lines=" ".join(lines))


def stop_engine() -> bool:
    """Stop the engine that speedkit started; False when it started none that still runs.

    Raises: SetupError when it does not end.
    """
    record = _our_record()
    if record is None:
        return False
    pid = record.pid
    if record.service:
        run(["systemctl", "stop", "docker.socket", "docker.service"])
    else:
        # It may end by itself in between.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_running(pid) and _start_time(pid) == record.started:
        if time.monotonic() > deadline:
            raise SetupError(
                message("The engine (process {number}) did not stop.", number=pid), fix=message("Its log: {path}", path=_log())
            )
        time.sleep(LOOK_SECONDS)
    _record().unlink(missing_ok=True)
    return True


@dataclass(frozen=True, slots=True)
class _Record:
    """What is noted of the engine we started. started: see `_start_time`. service: systemd looks after it."""

    pid: int
    started: str
    service: bool


def _our_record() -> _Record | None:
    """The engine we started, if it still runs: the same process, and not a later one of that number."""
    try:
        found = json.loads(_record().read_text(encoding="utf-8"))
        record = _Record(int(found["pid"]), str(found["started"]), bool(found.get("service")))
        boot = found.get("boot")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    # Since another boot, numbers and times begin anew. Records of earlier versions name none.
    is_same = _is_running(record.pid) and record.started == _start_time(record.pid) and boot in (None, _boot())
    return record if is_same else None


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _serving_pid() -> int | None:
    """The process that the engine's pid file names."""
    try:
        return _number(PID_FILE.read_text(errors="replace"))
    except OSError:
        return None


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
    return int(text) if text.strip().isascii() and text.strip().isdigit() else None


def _record() -> Path:
    return state_home() / "engine" / "process.json"


def _log() -> Path:
    return state_home() / "engine" / "dockerd.log"
