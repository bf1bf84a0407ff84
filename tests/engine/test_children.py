"""Children end with the process that started them, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from speedkit.engine.buildx import CancellableCommand
from speedkit.engine.children import child_process, run_child, signal_group
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="processes are looked at with ps")]

PARENT = """\
import os, sys, threading, time
from pathlib import Path
from speedkit.engine.buildx import CancellableCommand
def run():
    command = CancellableCommand()
    command.run(sys.argv[1:], env=os.environ, cwd=Path("."), on_line=lambda line: print(line.decode(), flush=True, end=""))
threading.Thread(target=run).start()
time.sleep(36000)
"""
TREE = "echo $$; sleep 36000 & echo $!; wait"
"""A child that starts a child; both print their numbers."""
STUBBORN = "trap '' INT; echo $$; while :; do sleep 1; done"


def is_running(pid: int) -> bool:
    """It has not ended, and is not a zombie that nobody has buried yet."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    return bool(shown) and not shown.startswith("Z")


def in_group(group: int) -> list[int]:
    """The processes of a group that run."""
    shown = subprocess.run(["ps", "-eo", "pgid=,pid="], capture_output=True, text=True, check=False).stdout
    pairs = (map(int, line.split()) for line in shown.splitlines())
    return [pid for number, pid in pairs if number == group and is_running(pid)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(("script", "lines"), [(TREE, 2), (STUBBORN, 1)])
@pytest.mark.slow
def test_a_killed_process_leaves_no_child_and_no_grandchild(number, script, lines):
    argv = [sys.executable, "-c", PARENT, "sh", "-c", script]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(parent.stdout.readline()) for _ in range(lines)]
        assert all(map(is_running, pids))
        parent.send_signal(number)
    wait_until(lambda: not in_group(pids[0]))


def test_a_child_goes_on_when_the_thread_that_started_it_ends():
    started: list[tuple[object, subprocess.Popen[bytes]]] = []

    def start() -> None:
        child = child_process(["sh", "-c", "echo up; exec sleep 36000"], stdout=subprocess.PIPE)
        started.append((child, child.__enter__()))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    child, process = started[0]
    assert process.stdout.readline() == b"up\n"
    assert is_running(process.pid)
    child.__exit__(None, None, None)
    assert process.returncode == -signal.SIGKILL


def test_a_child_that_ended_leaves_no_watch_behind():
    with child_process(["sh", "-c", "echo $$"], stdout=subprocess.PIPE) as process:
        process.communicate()
    wait_until(lambda: not in_group(process.pid))


def test_what_a_child_prints_and_its_exit_code_come_back():
    done = run_child(["sh", "-c", "cat; echo out; echo err >&2; exit 7"])
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


def test_a_program_that_is_not_there_is_an_error_as_ever(tmp_path):
    with pytest.raises(FileNotFoundError), child_process([str(tmp_path / "nowhere")]):
        pass


def test_children_keep_no_file_open(tmp_path):
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(20):
        run_child(["true"])
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_an_error_in_what_listens_ends_the_child():
    printed = []

    def fail(line: bytes) -> None:
        printed.append(int(line))
        raise RuntimeError("cannot listen")

    with pytest.raises(RuntimeError, match="cannot listen"):
        CancellableCommand().run(["sh", "-c", "echo $$; sleep 36000"], env=os.environ, cwd=Path.cwd(), on_line=fail)
    wait_until(lambda: not in_group(printed[0]))


def test_a_child_that_ended_just_now_needs_no_signal_where_its_group_refuses_one(monkeypatch):
    """macOS refuses a signal to a group of nothing but zombies with EPERM; Linux takes it."""

    def refused(_group, _number):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", refused)
    with child_process(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        signal_group(process, signal.SIGINT)
    assert process.returncode == 0
    with child_process(["sleep", "36000"]) as process:
        with pytest.raises(PermissionError):
            signal_group(process, signal.SIGINT)
        monkeypatch.undo()
