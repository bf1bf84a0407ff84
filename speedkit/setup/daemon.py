"""Starts and stops the engine of this machine. Only an engine that speedkit itself started is ever stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from speedkit.engine import Engine, connect, engine_of_the_user
from speedkit.errors import NoEngine, SetupError
from speedkit.host_packages import is_root, run
from speedkit.messages import message
from speedkit.state import open_private, state_folder, state_home

__all__ = ["Status", "engine_status", "start_engine", "stop_engine"]

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_FILE = Path("/var/run/docker.pid")
SYSTEMD = Path("/run/systemd/system")
READY_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Status:
    """Whether an engine answers, and whether speedkit started it.

    version: None when no engine answers. log: of the engine that speedkit started, None where systemd has the log.
    """

    answers: bool
    version: str | None
    ours: bool
    log: Path | None


def engine_status() -> Status:
    """Whether an engine answers, and whether it is ours."""
    record = _our_record()
    ours = record is not None
    log = _log() if record is not None and not record.service else None
    try:
        return Status(True, connect().version, ours, log)
    except NoEngine:
        return Status(False, None, ours, log)


def start_engine() -> Engine:
    """An engine that answers: one that runs already, or the installed one, started now.

    systemd starts it, where that runs. Otherwise it is a process of its own, with its record and log in the state folder.
    Raises: SetupError when no engine can be started, or it does not answer within a minute.
    """
    try:
        return connect()
    except NoEngine:
        pass
    if setting := engine_of_the_user():
        raise SetupError(
            message("{variable} names an engine of yours, and nothing answers there.", variable=setting),
            fix=message("Start it or unset it."),
        )
    if shutil.which("dockerd") is None:
        raise SetupError(message("No Docker engine is installed."), fix=message("Run `speedkit setup`."))
    if not is_root():
        raise SetupError(
            message("The Docker engine is installed but does not run, and only root can start it."),
            fix=message("Run `sudo systemctl start docker`, or `sudo .venv/bin/speedkit engine start`."),
        )
    import fcntl

    with open_private(state_folder("engine") / "lock", "ab") as lock:
        # Without the lock, two processes would each record their own dockerd, of which only one keeps running.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            # The process that held the lock before may have started it.
            return connect()
        except NoEngine:
            pass
        if SYSTEMD.is_dir():
            run(["systemctl", "start", "docker"])
            engine = _wait_for_answer(None)
            if pid := _number(run(["systemctl", "show", "--property=MainPID", "--value", "docker"])):
                _write_record(pid, service=True)
            return engine
        # An engine of ours that does not answer yet is still starting.
        return _wait_for_answer(None) if _our_record() is not None else _start_detached()


def _write_record(pid: int, *, service: bool) -> None:
    record = {"pid": pid, "started": _start_time(pid), "boot": _boot(), "service": service}
    draft = state_folder("engine") / "process.json.new"
    with open_private(draft, "w", encoding="utf-8") as file:
        json.dump(record, file)
    # A process that reads at this moment gets the old record or the new one, never a part.
    draft.replace(_record())


def _start_detached() -> Engine:
    # dockerd does not start when its pid file names a process that runs. After a kill the file stays, and another process may
    # have the number by now.
    if PID_FILE.is_file() and not _is_dockerd(_serving_pid()):
        PID_FILE.unlink()
    state_folder("engine")
    with open_private(_log(), "ab") as log:
        # In a session of its own, so that the engine outlives this terminal and gets no Ctrl-C from it.
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
    _write_record(process.pid, service=False)
    engine = _wait_for_answer(process)

    # Another dockerd may have been started at the same moment, by hand or by another user. Only one of them can have the pid
    # file, and the others end by themselves.
    holder = _serving_pid()
    if holder != process.pid and (holder is not None or process.poll() is not None):
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        if process.poll() is None:
            process.terminate()
        _record().unlink(missing_ok=True)
    return engine


def _wait_for_answer(process: subprocess.Popen[bytes] | None) -> Engine:
    """The engine, once it answers. process: the dockerd that was started here; None for one started elsewhere.

    Raises: SetupError when the process ends, or the engine does not answer within a minute.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return connect()
        except NoEngine as problem:
            ended = process is not None and process.poll() is not None and not _is_dockerd(_serving_pid())
            if ended or time.monotonic() > deadline:
                sentence = message("The Docker engine did not start.")
                if _log().is_file():
                    lines = _log().read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
                    sentence = f"{sentence} {message('The last lines of its log: {lines}', lines=' '.join(lines))}"
                raise SetupError(sentence, fix=_where_its_log_is()) from problem
        time.sleep(LOOK_SECONDS)


def _where_its_log_is() -> str:
    # An engine that systemd runs writes to its journal, and not to a file of ours.
    return message("Its log: {path}", path=_log()) if _log().is_file() else message("See `journalctl -u docker`.")


def stop_engine() -> bool:
    """Stop the engine that speedkit started. False when speedkit started none, or it has ended already.

    Raises: SetupError when it does not end.
    """
    record = _our_record()
    if record is None:
        return False
    pid = record.pid
    if record.service:
        run(["systemctl", "stop", "docker.socket", "docker.service"])
    else:
        # The engine may end by itself between the check and the signal.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_running(pid) and _start_time(pid) == record.started:
        if time.monotonic() > deadline:
            raise SetupError(message("The engine (process {number}) did not stop.", number=pid), fix=_where_its_log_is())
        time.sleep(LOOK_SECONDS)
    _record().unlink(missing_ok=True)
    return True


@dataclass(frozen=True, slots=True)
class _Record:
    """The record of the engine that speedkit started. started: see `_start_time`. service: systemd runs it."""

    pid: int
    started: str
    service: bool


def _our_record() -> _Record | None:
    """The record of the engine that speedkit started, if that process still runs; else None."""
    try:
        document = json.loads(_record().read_text(encoding="utf-8"))
        record = _Record(int(document["pid"]), str(document["started"]), bool(document.get("service")))
        boot = document.get("boot")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    # The system reuses process numbers, so the start time must match too. After another boot, numbers and start times begin
    # again. Records of earlier versions have no boot id.
    is_same = _is_running(record.pid) and record.started == _start_time(record.pid) and boot in (None, _boot())
    return record if is_same else None


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _serving_pid() -> int | None:
    """The process number in the engine's pid file; None when there is none."""
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
    """The fields of /proc/PID/stat from the third on (proc(5)). The second, the program's name, may have spaces in it."""
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
