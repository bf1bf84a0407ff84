"""`python -m tests.conformance --pairs N --seed S`: forecasts against real builds; exit code 1 on a disagreement."""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import sys
import time
from collections import Counter

from tests.conformance.bases import base_images
from tests.conformance.cases import FOLDER
from tests.conformance.comparing import Tally, can_be_read, repeated_disagreement
from tests.conformance.editing import random_sequence
from tests.conformance.public import public_disagreement
from tests.conformance.shrinking import as_case, keep_case, shrunk

EDITS = 5
_PROGRESS_PAIRS = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3000, help="how many builds to hold against their forecast")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other projects")
    parser.add_argument("--public", action="store_true", help="through `predict` and `build`, as people do")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first disagreement")
    asked = parser.parse_args()
    tally = Tally()
    started = time.monotonic()
    wrong = 0
    with contextlib.suppress(KeyboardInterrupt):
        found_in = _public_disagreements if asked.public else _disagreements
        for found in found_in(asked.pairs, asked.seed, tally):
            wrong += found
            if found and not asked.keep_going:
                break
    for reason, count in Counter(_reason(output) for output in tally.failures).most_common():
        print(f"failed {count} times: {reason}")
    for found in tally.not_repeated:
        print(f"not repeated: {as_case(found)}\n{found.output[-3000:]}")
    print(f"seed {asked.seed}: {_summary(tally)}, {wrong} disagreements, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


def _reason(output: str) -> str:
    """The error of a failed build, without what is different each time."""
    last = output.strip().rpartition("ERROR: ")[2].splitlines()
    return re.sub(r"[0-9a-f]{8,}[0-9a-z:]*", "…", last[0])[:150] if last else ""


def _disagreements(pairs: int, seed: int, tally: Tally):
    """For each project and its edits, whether a forecast was wrong."""
    number = shown = 0
    while tally.pairs < pairs:
        name = f"{seed}-{number}"
        number += 1
        chance = random.Random(name)  # noqa: S311 - it has to be repeatable
        builds = [project for project in random_sequence(chance, edits=EDITS) if can_be_read(project)]
        found = repeated_disagreement(builds, base_images(), tally=tally, states_known=number % 3 != 0)
        if found is not None:
            _show(found, name)
        if tally.pairs >= shown + _PROGRESS_PAIRS:
            shown = tally.pairs
            print(_summary(tally), file=sys.stderr, flush=True)
        yield found is not None


def _public_disagreements(pairs: int, seed: int, tally: Tally):
    """As `_disagreements`, through what people use. These are printed as they are."""
    number = 0
    while tally.pairs < pairs:
        name = f"{seed}-{number}"
        number += 1
        chance = random.Random(name)  # noqa: S311 - it has to be repeatable
        builds = [project for project in random_sequence(chance, edits=EDITS) if can_be_read(project)]
        base_images()
        found = public_disagreement(builds, tally=tally)
        if found is not None:
            print(f"seed {name}: {found.because}\n{as_case(found)}", flush=True)
        if number % 10 == 0:
            print(_summary(tally), file=sys.stderr, flush=True)
        yield found is not None


def _show(found, name: str) -> None:
    print(
        f"seed {name}: line {found.line} {found.instruction!r}: forecast {found.forecast} ({found.because}), "
        f"but it was {found.happened}"
    )
    smallest = shrunk(found, base_images())
    print(as_case(smallest))
    kept = FOLDER / f"found-{name}"
    keep_case(smallest, kept)
    print(f"Kept as {kept.name} in tests/cases: rename it to what it shows.", flush=True)


def _summary(tally: Tally) -> str:
    return (
        f"{tally.pairs} pairs, {tally.steps} steps, {tally.hits} cached, {tally.depends} depends, "
        f"{tally.unseen} not reported, {tally.failed} builds failed, {tally.refused} refused by both, "
        f"{len(tally.not_repeated)} not repeated"
    )


if __name__ == "__main__":
    sys.exit(main())
