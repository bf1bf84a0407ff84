"""Runs every check, the quickest first: `python -m tests.run [--quick | PYTEST ARGUMENT…]`.

Two processes share the tests. With --quick, those that need an engine or a browser, and slow ones, are left out.
With other arguments, only pytest runs, with these arguments and without the coverage threshold.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.chromium import require_chromium
from tests.signals import hand_on_no_ignored_signals

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
COVERAGE_PERCENT = 90
QUICK = ["-q", "-m", "not (engine or browser or notebook or conformance or slow)", "--numprocesses=2", "--dist=worksteal"]
WHOLE = ["-m", "not long", "--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
"""Two processes take turns at the files, the longest first: one waits for the engine while the other computes."""

CHECKS = (
    ("ruff", [str(BIN / "ruff"), "check", "."]),
    ("ruff format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
    ("mypy --strict", [str(BIN / "mypy")]),
    ("imports point downwards", [str(BIN / "lint-imports"), "--no-cache"]),
)


def main() -> int:
    """The exit code of the first check that fails, else pytest's."""
    hand_on_no_ignored_signals()
    arguments = sys.argv[1:]
    quick = arguments == ["--quick"]
    # Compiled tests are kept for the quick loop alone: compiling them, with what pytest adds to each assertion, takes longest.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "" if quick else "1"}
    pytest = [sys.executable, "-m", "pytest"]
    if arguments and not quick:
        return subprocess.run([*pytest, *arguments], cwd=ROOT, env=environment, check=False).returncode
    for name, argv in CHECKS:
        print(f"== {name}", flush=True)
        code = subprocess.run(argv, cwd=ROOT, env=environment, check=False).returncode
        if code:
            print(f"{name} failed.", file=sys.stderr)
            return code
    if quick:
        print("== pytest, without engine and browser", flush=True)
        # Where there is an engine, a test that needs it and is not marked would pass here, and fail elsewhere.
        environment |= {"DOCKER_HOST": "unix:///no/engine/for/quick/tests"}
        return subprocess.run([*pytest, *QUICK], cwd=ROOT, env=environment, check=False).returncode
    print("== Chromium for the browser tests", flush=True)
    require_chromium()
    print("== pytest", flush=True)
    coverage = ["--cov", "--cov-report=term", f"--cov-fail-under={COVERAGE_PERCENT}"]
    return subprocess.run([*pytest, *WHOLE, *coverage], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
