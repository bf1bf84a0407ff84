"""`python -m tests.faults [NAME…]`: attacks and faults on a private engine, expected and seen; exit code 1 when one falls.

What was seen goes into docs/reliability.md. The engine and the rows share a network of their own (a Linux network namespace
with nothing but loopback), so that no port that a row opens can be reached from elsewhere, and the user's engine is untouched.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.report import REPORT, Row, write_report
from tests.faults.table import IMAGE, ROOT, Fault, Place, all_faults
from tests.second_engine import is_in_private_network, load_base_image, reason_against, run_in_private_network, start_daemon
from tests.signals import hand_on_no_ignored_signals

ONE = "SPEEDKIT_FAULTS_ONE"
CANNOT_RUN = 3


def main() -> int:
    """The exit code: 0 when every row holds, 1 when one falls, 3 when no private engine can run here."""
    hand_on_no_ignored_signals()
    if ONE in os.environ:
        return _run_here(os.environ[ONE])
    table = all_faults()
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows, by name or by its beginning; all when none is named")
    parser.add_argument("--list", action="store_true", help="name the rows, and run none")
    asked = parser.parse_args()
    rows = [row for row in table.values() if not asked.names or row.name.startswith(tuple(asked.names))]
    if not rows:
        parser.error(f"no row begins with {asked.names[0]!r}; --list names them")
    if asked.list:
        print("\n".join(f"{row.name}: {row.what}" for row in rows))
        return 0
    if reason := reason_against():
        print(f"No private engine can run here: {reason}.", file=sys.stderr)
        return CANNOT_RUN
    if not is_in_private_network():
        return run_in_private_network("tests.faults")
    results = list(_run_all(rows))
    fallen = [row.fault.name for row in results if not row.holds]
    write_report(results)
    print(f"written: {REPORT.relative_to(ROOT)}")
    print(f"{len(results)} rows, {len(fallen)} fell" + (f": {', '.join(fallen)}" if fallen else ""))
    return 1 if fallen else 0


def _run_all(rows: Sequence[Fault]) -> Iterator[Row]:
    shared = contextlib.ExitStack()
    daemon: subprocess.Popen[bytes] | None = None
    with shared:
        for fault in rows:
            if fault.needs_empty_engine or (daemon is not None and daemon.poll() is not None):
                shared.close()
                daemon = None
            if fault.needs_engine and daemon is None:
                daemon, host = shared.enter_context(start_daemon())
                os.environ |= {"DOCKER_HOST": host, "SPEEDKIT_FAULTS_ENGINE_PID": str(daemon.pid)}
                load_base_image(IMAGE)
            row = _run_row(fault)
            print(f"{'holds' if row.holds else 'FALLS'}  {fault.name} ({row.seconds:.0f} s): {row.seen}", flush=True)
            yield row


def _run_row(fault: Fault) -> Row:
    """One row in a process of its own, with folders of its own; what still runs of it in the end is killed."""
    with tempfile.TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        for name in ("home", "tmp", "work"):
            (place / name).mkdir()
        environment = os.environ | {
            ONE: fault.name,
            "SPEEDKIT_HOME": str(place / "home"),
            "TMPDIR": str(place / "tmp"),
            "PYTHONPATH": str(ROOT),
        }
        began = time.monotonic()
        argv = [sys.executable, "-m", "tests.faults"]
        # A file and not a pipe: a program that outlives the row would hold a pipe open.
        with (place / "output").open("w+b") as output:
            process = subprocess.Popen(
                argv,
                cwd=place / "work",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                code: int | None = process.wait(fault.seconds)
            except subprocess.TimeoutExpired:
                code = None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            output.seek(0)
            said = output.read().decode("utf-8", "replace").strip()
        seen = said.splitlines()[-1] if said else "nothing was said"
        seen = _without_places(seen, place)
        if code is None:
            seen = f"no end after {fault.seconds:.0f} s"
        if code:
            print(said, file=sys.stderr)
        return Row(fault, code == 0, seen, time.monotonic() - began)


def _without_places(text: str, place: Path) -> str:
    """A text without the folders of this run and of this machine, which have other names in each."""
    text = text.replace(f"{place / 'work'}/", "").replace(str(place), "…").replace(f"{Path(sys.executable).parent}/", "")
    return re.sub(r"unix:///tmp/sk-\w+/docker\.sock", "the private engine's socket", text)


def _run_here(name: str) -> int:
    fault = all_faults()[name]
    work = Path.cwd()
    try:
        seen = fault.check(Place(work, Path(os.environ["SPEEDKIT_HOME"])))
    except AssertionError as wrong:
        traceback.print_exc()
        print(str(wrong).splitlines()[0] if str(wrong) else "an assertion failed")
        return 1
    except Exception as problem:
        traceback.print_exc()
        print(f"{type(problem).__name__}: {problem}".splitlines()[0])
        return 1
    print(" ".join(seen.split()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
