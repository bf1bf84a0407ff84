"""`python -m tests.conformance --pairs N --seed S`: forecasts against real builds; exit code 1 on a disagreement."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import sys
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.bases import base_images
from tests.conformance.cases import FOLDER
from tests.conformance.comparing import Tally, can_be_read, repeated_disagreement
from tests.conformance.editing import random_sequence
from tests.conformance.history import COMMITS, run_history
from tests.conformance.public import public_disagreement
from tests.conformance.real_run import run_real
from tests.conformance.shrinking import as_case, keep_case, shrunk

EDITS = 5
_PROGRESS_PAIRS = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3000, help="how many builds to hold against their forecast")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other projects")
    parser.add_argument("--public", action="store_true", help="through `predict` and `build`, as people do")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first disagreement")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many projects at a time")
    parser.add_argument("--real", action="store_true", help="real Dockerfiles with their contexts, instead of random ones")
    parser.add_argument("--only", default="", help="with --real: only the modules with this in their name")
    parser.add_argument(
        "--history",
        nargs="*",
        metavar="PATH[@WAY][:target=STAGE]",
        help="replayed histories: of repositories, or of made ones when none is named",
    )
    parser.add_argument("--commits", type=int, default=COMMITS, help="with --history: how many of the last commits")
    asked = parser.parse_args()
    if asked.history is not None:
        return run_history(asked.history, seed=asked.seed, commits=asked.commits)
    if asked.real:
        return run_real(seed=asked.seed, jobs=asked.jobs, only=asked.only)
    tally = Tally()
    started = time.monotonic()
    wrong = shown = 0
    base_images()
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(_compared(asked)) as sequences:
        for name, found, compared in sequences:
            tally.add(compared)
            for once in compared.not_repeated:
                print(f"seed {name}, not repeated: {as_case(once)}\n{once.output}", flush=True)
            wrong += found is not None
            if found is not None:
                _show(found, name, shrink=not asked.public)
            if tally.pairs >= shown + _PROGRESS_PAIRS:
                shown = tally.pairs
                print(f"{_summary(tally)}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
            if tally.pairs >= asked.pairs or (wrong and not asked.keep_going):
                break
    _print_left_out(tally)
    print(f"seed {asked.seed}: {_summary(tally)}, {wrong} disagreements, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


def _compared(asked: argparse.Namespace):
    """For one project after the other: its name, the wrong forecast or None, and what was compared. It never ends."""
    # The public way sets an environment variable, so there is one project at a time.
    jobs = 1 if asked.public else asked.jobs
    pool = ThreadPoolExecutor(jobs)
    waiting = deque()
    number = 0
    try:
        while True:
            while len(waiting) <= jobs:
                waiting.append(pool.submit(_one_sequence, asked.seed, number, public=asked.public))
                number += 1
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _one_sequence(seed: int, number: int, *, public: bool):
    name = f"{seed}-{number}"
    chance = random.Random(name)  # noqa: S311 - it has to be repeatable
    builds = [project for project in random_sequence(chance, edits=EDITS) if can_be_read(project)]
    tally = Tally()
    if public:
        return name, public_disagreement(builds, tally=tally), tally
    return name, repeated_disagreement(builds, base_images(), tally=tally, states_known=number % 3 != 0), tally


def _show(found, name: str, *, shrink: bool) -> None:
    print(
        f"seed {name}: line {found.line} {found.instruction!r}: forecast {found.forecast} ({found.because}), "
        f"but it was {found.happened}"
    )
    smallest = shrunk(found, base_images()) if shrink else found
    print(as_case(smallest))
    if shrink:
        kept = FOLDER / f"found-{name}"
        keep_case(smallest, kept)
        print(f"Kept as {kept.name} in tests/cases: rename it to what it shows.", flush=True)


def _print_left_out(tally: Tally) -> None:
    for reason, count in Counter(_reason(output) for output in tally.failures).most_common():
        print(f"failed {count} times: {reason}")


def _reason(output: str) -> str:
    """The error of a failed build, without what is different each time."""
    last = output.strip().rpartition("ERROR: ")[2].splitlines()
    return re.sub(r"[0-9a-f]{8,}[0-9a-z:]*", "…", last[0])[:150] if last else ""


def _summary(tally: Tally) -> str:
    return (
        f"{tally.pairs} pairs, {tally.steps} steps, {tally.hits} cached, {tally.depends} depends, "
        f"{tally.unseen} not reported, {tally.failed} builds failed, {tally.refused} refused by both, "
        f"{tally.told} vertices held against their lines, {tally.unclear} steps not told apart, "
        f"{tally.shared} linked copies shared, "
        f"{len(tally.not_repeated)} not repeated"
    )


if __name__ == "__main__":
    sys.exit(main())
