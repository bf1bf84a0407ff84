"""How a measurement is printed: medians with their range, and ratios taken run by run."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Ran", "print_figure", "print_ratio", "print_seconds", "run_program", "seconds_of"]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program took."""

    seconds: float
    peak_bytes: int


def seconds_of(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run_program(argv: Sequence[str], *, environment: Mapping[str, str]) -> Ran:
    """Run a program whose output is thrown away.

    Raises: RuntimeError when it fails.
    """
    began = time.perf_counter()
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if running.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with exit code {running.returncode}")
    return Ran(seconds, usage.ru_maxrss * 1024)


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
