"""Child processes that end with the process that started them, even when SIGKILL ends that process.

On Linux and macOS, a shell starts a watcher and then becomes the child, so that both are in one process group. The watcher
reads from a pipe, and only the parent holds the other end. A line in the pipe means that the child has ended. The end of the
pipe without a line means that the parent has ended: then the watcher interrupts the group, and kills it two seconds later.
The shell costs a millisecond.

Linux's PR_SET_PDEATHSIG (prctl(2)) needs no watcher, but it does not reach the child's own children, and it is also sent when
the *thread* that started the child ends. On Windows, a job object ends its processes when its last handle is closed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

__all__ = ["child_process", "run_child", "signal_group"]

Output = int | IO[bytes] | None

WATCHED = """\
exec 3<&0 </dev/null
(
  trap '' INT TERM HUP
  read -r ended <&3 && exit
  kill -s INT -- -$$
  tenths=20
  while [ $tenths -gt 0 ] && kill -s 0 $$; do sleep 0.1; tenths=$((tenths - 1)); done
  kill -s KILL -- -$$
) >/dev/null 2>&1 &
exec "$@" 3<&-
"""
"""`$$` is the number of the first shell, in the watcher's subshell too. `exec` keeps it, so it is the child's number."""


@contextlib.contextmanager
def child_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: Output = None,
    stderr: Output = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, without input. It is killed at the end of the block if it still runs.

    Raises: OSError when it cannot be started.
    """
    environment = dict(os.environ if env is None else env)
    program = shutil.which(argv[0], path=environment.get("PATH", os.defpath))
    # The shell below starts in any case, and would report a missing program only by its exit code 127.
    if program is None:
        raise FileNotFoundError(2, "No such file or directory", argv[0])
    if sys.platform == "win32":
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, cwd=cwd
        ) as process:
            _Job.of_this_process().add(process)
            with _killed_in_the_end(process):
                yield process
        return
    watched, lifeline = os.pipe()
    try:
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", WATCHED, "sh", *argv],
                stdin=watched,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                cwd=cwd,
                start_new_session=True,
            )
        finally:
            os.close(watched)
        with process, _killed_in_the_end(process):
            yield process
    finally:
        with contextlib.suppress(OSError):  # the pipe has no reader when the child could not be started
            os.write(lifeline, b"ended\n")
        os.close(lifeline)


@contextlib.contextmanager
def _killed_in_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            signal_group(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            process.wait()


def run_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    limit_seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """The output and the exit code of a child process that has ended.

    Raises: OSError when it cannot be started; subprocess.TimeoutExpired after limit_seconds, when it is killed.
    """
    with child_process(argv, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        output, errors = process.communicate(timeout=limit_seconds)
    return subprocess.CompletedProcess(
        list(argv), process.returncode, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace")
    )


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a child and to every process of its group."""
    try:
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # macOS raises this for a group in which only zombies are left.
        if process.poll() is None:
            raise


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes
    from functools import lru_cache

    class _Limits(ctypes.Structure):
        """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

        _fields_ = [
            ("times", ctypes.c_int64 * 2),
            ("flags", wintypes.DWORD),
            ("sizes", ctypes.c_size_t * 2),
            ("processes", wintypes.DWORD),
            ("affinity", ctypes.c_size_t),
            ("classes", wintypes.DWORD * 2),
            ("counters", ctypes.c_uint64 * 6),
            ("memory", ctypes.c_size_t * 4),
        ]

    class _Job:
        """A job object: Windows ends its processes when the last handle to it is closed, as when this process ends.

        https://learn.microsoft.com/windows/win32/procthread/job-objects
        """

        EXTENDED_LIMITS = 9
        KILL_ON_CLOSE = 0x2000

        def __init__(self) -> None:
            self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel.CreateJobObjectW.restype = wintypes.HANDLE
            self._handle = wintypes.HANDLE(self._kernel.CreateJobObjectW(None, None))
            limits = _Limits(flags=self.KILL_ON_CLOSE)
            self._kernel.SetInformationJobObject(
                self._handle, self.EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
            )

        @classmethod
        @lru_cache(maxsize=1)
        def of_this_process(cls) -> _Job:
            return cls()

        def add(self, process: subprocess.Popen[bytes]) -> None:
            self._kernel.AssignProcessToJobObject(self._handle, wintypes.HANDLE(int(process._handle)))
