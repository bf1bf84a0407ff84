"""How a measurement is printed: medians with their range, and ratios taken run by run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

__all__ = ["peak_bytes_of", "print_figure", "print_ratio", "print_seconds", "run_program", "seconds_of"]


def seconds_of(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run_program(argv: Sequence[str], *, environment: Mapping[str, str]) -> None:
    """Run a program whose output is thrown away.

    Raises: subprocess.CalledProcessError when it fails.
    """
    subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def peak_bytes_of(argv: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """The most memory that a program has while it runs.

    A small Python starts it: what a program's parent has counts for the program, too, until it has begun.
    """
    told = subprocess.run([sys.executable, "-c", LAUNCHER, *argv], env=environment, check=True, capture_output=True, text=True)
    return int(told.stdout) * 1024


LAUNCHER = """\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def print_seconds(name: str, seconds: Sequence[float], *, wanted: str = "") -> None:
    """`name  median (lowest to highest, n runs; what was promised)`."""
    promised = f"; promised: {wanted}" if wanted else ""
    spread = f"{min(seconds):.3f} to {max(seconds):.3f}, {len(seconds)} runs"
    print(f"  {name:<44} {statistics.median(seconds):8.3f} s  ({spread}{promised})", flush=True)


def print_ratio(name: str, tops: Sequence[float], bottoms: Sequence[float], *, wanted: str) -> None:
    """The median of the ratios of runs made next to each other, and what was promised."""
    ratios = [top / bottom for top, bottom in zip(tops, bottoms, strict=True)]
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    print(f"  {name:<44} {statistics.median(ratios):8.3f}    ({spread}; promised: {wanted})", flush=True)


def print_figure(name: str, text: str, *, wanted: str = "") -> None:
    """A figure that is no time and no ratio."""
    print(f"  {name:<44} {text}{f'  (promised: {wanted})' if wanted else ''}", flush=True)
