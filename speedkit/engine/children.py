"""Child processes that do not outlive the process that started them, however that one ends: by SIGKILL, too.

On Linux and macOS, a shell starts a watch and then becomes the child, so that both have one process group. The watch reads
from a pipe whose other end the parent alone holds. A line in it says that the child has ended. The end of the pipe without a
line says that the parent has: the group is interrupted, and killed two seconds later. A shell takes a millisecond.

PR_SET_PDEATHSIG would do without a watch, but on Linux only, for the child alone and not for what it starts, and it is sent
when the *thread* that started the child ends. On Windows a job ends what is in it when its last handle is closed.
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
"""$$ is the shell's own process, in the watch too; the child that the shell becomes keeps its number."""


@contextlib.contextmanager
def child_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: Output = None,
    stderr: Output = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, without input. It has ended when the block is left: killed, if it still runs.

    Raises: OSError when it cannot be started.
    """
    environment = dict(os.environ if env is None else env)
    program = shutil.which(argv[0], path=environment.get("PATH", os.defpath))
    if program is None:
        raise FileNotFoundError(2, "No such file or directory", argv[0])
    if sys.platform == "win32":
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, cwd=cwd
        ) as process:
            _Job.of_this_process().take_in(process)
            with _ended(process):
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
        with process, _ended(process):
            yield process
    finally:
        with contextlib.suppress(OSError):  # nobody reads when the child could not be started
            os.write(lifeline, b"ended\n")
        os.close(lifeline)


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
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
    """What a child process printed, and its exit code, once it has ended.

    Raises: OSError when it cannot be started; subprocess.TimeoutExpired after limit_seconds, when it is killed.
    """
    with child_process(argv, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=limit_seconds)
    return subprocess.CompletedProcess(
        list(argv), process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
    )


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a child and to all that it started."""
    try:
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # macOS says so of a group in which only zombies are left.
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
        """Processes that Windows ends together when the last handle to the job is closed, as it is when this process ends."""

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

        def take_in(self, process: subprocess.Popen[bytes]) -> None:
            self._kernel.AssignProcessToJobObject(self._handle, wintypes.HANDLE(int(process._handle)))
