"""Runs every check, the quickest first: `python -m tests.run [PYTEST ARGUMENT…]`.

With arguments, only pytest runs, with these arguments and without the coverage threshold.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.chromium import require_chromium

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
COVERAGE_PERCENT = 90

CHECKS = (
    ("ruff", [str(BIN / "ruff"), "check", "."]),
    ("ruff format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
    ("mypy --strict", [str(BIN / "mypy")]),
    ("imports point downwards", [str(BIN / "lint-imports"), "--no-cache"]),
)


def main() -> int:
    """The exit code of the first check that fails, else pytest's."""
    # What was started in the background of a script ignores Ctrl-C, and so would the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    pytest = [sys.executable, "-m", "pytest"]
    if len(sys.argv) > 1:
        return subprocess.run([*pytest, *sys.argv[1:]], cwd=ROOT, env=environment, check=False).returncode
    for name, argv in CHECKS:
        print(f"== {name}", flush=True)
        code = subprocess.run(argv, cwd=ROOT, env=environment, check=False).returncode
        if code:
            print(f"{name} failed.", file=sys.stderr)
            return code
    print("== Chromium for the browser tests", flush=True)
    require_chromium()
    print("== pytest", flush=True)
    coverage = ["--cov", "--cov-report=term", f"--cov-fail-under={COVERAGE_PERCENT}"]
    return subprocess.run([*pytest, *coverage], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
