"""The engine that speedkit starts, with harmless programs in the place of dockerd and systemctl."""

from __future__ import annotations

import gc
import os
import subprocess
import threading
from pathlib import Path

import pytest

from speedkit.errors import NoEngine, SetupError
from speedkit.setup import daemon, setup_steps
from tests.waiting import HANG_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]


class _Machine:
    """A machine whose engine answers once the program `dockerd` says that it is ready."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.ready = folder / "ready"
        self.calls = folder / "systemctl-calls"
        monkeypatch.setenv("SPEEDKIT_HOME", str(folder / "home"))
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        monkeypatch.setenv("DOCKER_CONFIG", str(folder / "no-docker-config"))
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
            monkeypatch.delenv(name, raising=False)
        for name, value in (("PID_FILE", folder / "docker.pid"), ("SYSTEMD", folder / "systemd"), ("is_root", lambda: True)):
            monkeypatch.setattr(daemon, name, value)
        monkeypatch.setattr(daemon, "connect", self.connect)

    def connect(self):
        if not self.ready.exists():
            raise NoEngine("No Docker engine answers.")
        return type("Engine", (), {"version": "1", "host": "unix:///x"})()

    def program(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def with_dockerd(self) -> None:
        self.program(
            "dockerd", f"echo up; trap 'rm {self.ready}; exit 0' TERM; touch {self.ready}; while :; do sleep 0.05; done"
        )

    def with_systemd(self, service: subprocess.Popen[bytes]) -> None:
        (self.folder / "systemd").mkdir()
        self.program("dockerd", "exit 1")
        self.program(
            "systemctl",
            f'echo "$@" >> {self.calls}\n'
            f'case "$1" in start) touch {self.ready};; show) echo {service.pid};; '
            f"stop) rm -f {self.ready}; kill {service.pid};; esac",
        )


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = _Machine(tmp_path, monkeypatch)
    yield made
    daemon.stop_engine()
    # Python warns of a child that outlives its Popen, which is what a daemon is for: here, not in a later test.
    gc.collect()


@pytest.fixture
def process():
    """A process that is somebody's; waited for in the background, so that an ended one is gone and no zombie."""
    running = subprocess.Popen(["sleep", "60"])
    waiter = threading.Thread(target=running.wait)
    waiter.start()
    yield running
    running.kill()
    waiter.join(HANG_SECONDS)


def test_an_engine_is_started_detached_and_stopped_again(machine):
    machine.with_dockerd()
    assert daemon.start_engine().version == "1"
    started = daemon.engine_status()
    assert (started.answers, started.ours) == (True, True)
    assert started.log is not None
    assert started.log.read_text() == "up\n"
    assert daemon.stop_engine() is True
    assert daemon.engine_status() == daemon.Status(False, None, ours=False, log=None)
    assert daemon.stop_engine() is False


def test_a_started_engine_is_no_child_of_this_terminal(machine):
    machine.with_dockerd()
    daemon.start_engine()
    record = daemon._our_record()
    assert record is not None
    assert os.getsid(record.pid) == record.pid != os.getsid(0)


def test_an_engine_that_answers_already_is_never_ours(machine):
    machine.ready.touch()
    daemon.start_engine()
    assert daemon.engine_status().ours is False
    assert daemon.stop_engine() is False
    assert machine.ready.exists()


def test_the_pid_file_of_an_engine_that_was_killed_is_in_nobodys_way(machine):
    machine.with_dockerd()
    daemon.PID_FILE.write_text(str(os.getpid()))
    daemon.start_engine()
    assert not daemon.PID_FILE.exists()


def test_an_engine_that_ends_at_once_is_told_with_its_last_lines(machine):
    machine.program("dockerd", "echo failed to start daemon: no permission; exit 1")
    with pytest.raises(SetupError, match="no permission") as refused:
        daemon.start_engine()
    assert "dockerd.log" in refused.value.fix


def test_an_engine_that_never_answers_is_given_up(machine, monkeypatch):
    monkeypatch.setattr(daemon, "READY_SECONDS", 0.2)
    machine.program("dockerd", "while :; do sleep 0.05; done")
    with pytest.raises(SetupError, match="did not start"):
        daemon.start_engine()


def test_where_systemd_runs_the_engine_is_its_service(machine, process):
    machine.with_systemd(process)
    daemon.start_engine()
    assert daemon.engine_status() == daemon.Status(True, "1", ours=True, log=None)
    assert daemon.stop_engine() is True
    assert process.wait(HANG_SECONDS) != 0
    assert machine.calls.read_text().splitlines()[-1] == "stop docker.socket docker.service"


def test_a_service_that_never_answers_points_to_its_journal(machine, process, monkeypatch):
    monkeypatch.setattr(daemon, "READY_SECONDS", 0.2)
    machine.with_systemd(process)
    machine.program("systemctl", "exit 0")
    with pytest.raises(SetupError) as problem:
        daemon.start_engine()
    assert problem.value.fix == "See `journalctl -u docker`."


def test_stop_leaves_a_later_process_of_the_same_number_alone(machine, process):
    daemon._write_record(process.pid, service=False)
    record = daemon._record()
    record.write_text(record.read_text().replace(daemon._start_time(process.pid), "1"))
    assert daemon.stop_engine() is False
    assert process.poll() is None


def test_an_engine_that_will_not_stop_is_named(machine, process, monkeypatch):
    monkeypatch.setattr(daemon, "STOP_SECONDS", 0.2)
    daemon._write_record(process.pid, service=False)
    monkeypatch.setattr(daemon.signal, "SIGTERM", 0)
    with pytest.raises(SetupError, match=f"process {process.pid}"):
        daemon.stop_engine()
    daemon._record().unlink()


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "7", '{"pid": -1, "started": "1"}', '{"pid": "x", "started": 1}', '{"pid": 0, "started": null}', "[" * 9000],
)
def test_a_damaged_record_is_nobodys_engine(machine, text):
    daemon._record().parent.mkdir(parents=True)
    daemon._record().write_text(text)
    assert daemon.engine_status().ours is False
    assert daemon.stop_engine() is False


def test_a_record_of_an_earlier_boot_is_nobodys_engine(machine, process, monkeypatch):
    daemon._write_record(process.pid, service=False)
    (machine.folder / "boot").write_text("another boot")
    monkeypatch.setattr(daemon, "BOOT_ID", machine.folder / "boot")
    assert daemon.stop_engine() is False
    assert process.poll() is None


LIKE_DOCKERD = """\
if [ -e {pid_file} ]; then echo process is still running; exit 1; fi
echo $$ > {pid_file}; trap 'rm -f {ready} {pid_file}; exit 0' TERM
touch {ready}; while :; do sleep 0.05; done"""


def test_two_that_start_an_engine_at_once_start_one_and_both_know_it(machine):
    machine.program("dockerd", LIKE_DOCKERD.format(pid_file=daemon.PID_FILE, ready=machine.ready))
    starting = [threading.Thread(target=daemon.start_engine) for _ in range(4)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    assert daemon.engine_status().ours is True
    assert daemon.stop_engine() is True
    assert not machine.ready.exists()


def test_an_engine_that_another_user_starts_at_the_same_moment_is_not_ours(machine, process):
    """The other one holds the pid file; ours ends, some time after the other one answers."""
    machine.program("dockerd", f"echo {process.pid} > {daemon.PID_FILE}; touch {machine.ready}; sleep 0.3; exit 1")
    daemon.start_engine()
    assert daemon.engine_status().ours is False
    assert daemon.stop_engine() is False
    assert process.poll() is None


def test_an_engine_that_was_started_and_does_not_answer_yet_is_waited_for(machine, process):
    machine.program("dockerd", "echo must not be started; exit 1")
    daemon._write_record(process.pid, service=False)
    threading.Timer(0.3, machine.ready.touch).start()
    daemon.start_engine()
    assert daemon.engine_status().ours is True
    daemon._record().unlink()


def test_who_may_not_start_it_is_told_the_line_to_type(machine, monkeypatch):
    machine.with_dockerd()
    monkeypatch.setattr(daemon, "is_root", lambda: False)
    with pytest.raises(SetupError, match="only root") as refused:
        daemon.start_engine()
    assert "sudo" in refused.value.fix


def test_start_without_an_installed_engine_says_so(machine, monkeypatch):
    monkeypatch.setenv("PATH", str(machine.folder))
    with pytest.raises(SetupError, match="No Docker engine is installed"):
        daemon.start_engine()


@pytest.mark.parametrize(("variable", "said"), [("DOCKER_HOST", "DOCKER_HOST"), ("DOCKER_CONTEXT", "context 'far-away'")])
def test_an_engine_that_the_user_names_is_never_replaced(machine, monkeypatch, variable, said):
    machine.with_dockerd()
    monkeypatch.setenv(variable, "far-away")
    monkeypatch.setattr(setup_steps, "connect", machine.connect)
    with pytest.raises(SetupError, match=said):
        daemon.start_engine()
    with pytest.raises(SetupError) as refused:
        setup_steps.run_setup(yes=True, ask=lambda _: True, say=lambda _: None)
    assert said in refused.value.fix
    assert daemon._our_record() is None
