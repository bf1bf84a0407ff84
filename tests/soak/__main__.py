"""`make soak`: many builds in one process on a private engine; the exit code is 1 when anything grows.

The engine and the process share a network of their own, as those of `make faults` do.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from speedkit.engine.connection import connect
from tests.second_engine import is_in_private_network, load_base_image, reason_against, run_in_private_network, start_daemon
from tests.soak.measuring import ALLOWED, Growth, growths, measure_engine, measure_process, measure_state

ROOT = Path(__file__).resolve().parents[2]
BASE = "soak/base:1"
SAMPLES = 40
CANNOT_RUN = 3


def main() -> int:
    """The exit code: 0 when nothing grew, 1 when something did, 3 when no private engine can run here."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--builds", type=int, default=1000, help="how many")
    asked = parser.parse_args()
    if reason := reason_against():
        print(f"No private engine can run here: {reason}.", file=sys.stderr)
        return CANNOT_RUN
    if not is_in_private_network():
        # Threads come and go with each build. The C library gives them up to eight arenas a core, and each grows to a
        # high-water mark of its own: 58.8 to 62.8 MB between builds 500 and 750. With one arena, what is kept is measured:
        # 93.3 and 92.9 MB at builds 150 and 360.
        os.environ.setdefault("MALLOC_ARENA_MAX", "1")
        return run_in_private_network("tests.soak")
    with start_daemon() as (_, host), tempfile.TemporaryDirectory(prefix="soak-") as place:
        # Limits that are reached early: what the kit keeps has to stay within them, and memory with it.
        limits = {"SPEEDKIT_RECORDINGS_LIMIT": "1 MB", "SPEEDKIT_IMAGES_LIMIT": "50 MB", "SPEEDKIT_LAYERS_LIMIT": "1 MB"}
        os.environ |= {"DOCKER_HOST": host, "SPEEDKIT_HOME": f"{place}/home"} | limits
        load_base_image(BASE)
        return _report(_soaked(asked.builds, Path(place)))


def _soaked(builds: int, place: Path) -> list[tuple[int, Mapping[str, float]]]:
    """The measures after every fortieth of the builds."""
    from tests.soak.work import Work

    engine, work = connect(), Work(place / "apps", BASE)
    samples: list[tuple[int, Mapping[str, float]]] = []
    every, began = max(1, builds // SAMPLES), time.monotonic()
    for number in range(builds):
        work.do(number)
        if number % every == every - 1:
            work.settle()
            measures = measure_process() | measure_engine(engine) | measure_state(place / "home")
            samples.append((work.builds, measures))
            shown = ", ".join(f"{name} {value:.4g}" for name, value in measures.items())
            print(f"{work.builds} builds, {time.monotonic() - began:.0f} s: {shown}", flush=True)
    work.close()
    return samples


def _report(samples: Sequence[tuple[int, Mapping[str, float]]]) -> int:
    found = growths(samples)
    width = max(map(len, ALLOWED))
    print(f"\n{samples[-1][0]} builds; grown: in the second half, were it to go on like that for all builds")
    for growth in found:
        print(_line(growth, width))
    return 0 if all(growth.is_flat for growth in found) else 1


def _line(growth: Growth, width: int) -> str:
    verdict = "flat" if growth.is_flat else "GROWS"
    return (
        f"{verdict:5}  {growth.measure:{width}}  {growth.half:8.2f} → {growth.end:8.2f}  "
        f"grown {growth.grown:+.2f} of {ALLOWED[growth.measure]:g}"
    )


if __name__ == "__main__":
    sys.exit(main())
