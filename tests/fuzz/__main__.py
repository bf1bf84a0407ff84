"""`python -m tests.fuzz [NAME…] [--seconds N]`: fuzzes the readers one after the other; exit code 1 when one gave in.

Each has a process of its own: the fuzzer (https://github.com/google/atheris) never comes back. Input that made a reader
fail is kept in `out/fuzz`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

KEPT = Path("out") / "fuzz"
SECONDS = 30
SLOWEST_SECONDS = 10
MOST_MEGABYTES = 2048
LONGEST_BYTES = 20_000
ONE = "SPEEDKIT_FUZZ_ONE"


def main() -> int:
    """Fuzz the readers named on the command line, or all of them."""
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long to fuzz each reader")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(TARGETS):
        parser.error(f"there is no reader {sorted(unknown)[0]!r}: choose from {', '.join(TARGETS)}")
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed: there is no wheel of it for this Python or machine")
    failed = [name for name in asked.names or TARGETS if not _holds(name, asked.seconds)]
    print(f"gave in: {', '.join(failed)}; the input is in {KEPT}" if failed else "every reader held", flush=True)
    return 1 if failed else 0


def _holds(name: str, seconds: int) -> bool:
    """Whether a reader let out nothing but the package's own errors."""
    print(f"{name}: {seconds} s", flush=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="speedkit-fuzz-") as place:
        limits = [f"-max_total_time={seconds}", f"-timeout={SLOWEST_SECONDS}", f"-rss_limit_mb={MOST_MEGABYTES}"]
        argv = [sys.executable, "-m", "tests.fuzz", f"-artifact_prefix={KEPT}/{name}-", f"-max_len={LONGEST_BYTES}", *limits]
        done = subprocess.run(
            [*argv, place], env=os.environ | {ONE: name}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
    told = done.stdout.decode("utf-8", "replace").strip().splitlines()
    print("\n".join(told[-1:] if done.returncode == 0 else told[-40:]), flush=True)
    return done.returncode == 0


def _fuzz(name: str) -> None:
    """Fuzz one reader in this process, which then ends."""
    import atheris

    with atheris.instrument_imports(include=["speedkit"]):
        from tests.fuzz.targets import TARGETS, read
    for number, seed in enumerate(TARGETS[name].seeds):
        (Path(sys.argv[-1]) / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, lambda data: read(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    if ONE in os.environ:
        _fuzz(os.environ[ONE])
    else:
        sys.exit(main())
