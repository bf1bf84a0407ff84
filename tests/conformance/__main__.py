"""`python -m tests.conformance --pairs N --seed S`: forecasts against real builds; exit code 1 on a disagreement."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.conformance.bases import base_images
from tests.conformance.comparing import Tally, can_be_read, run_sequence
from tests.conformance.generating import random_sequence
from tests.conformance.shrinking import as_case, shrunk

EDITS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true")
    asked = parser.parse_args()
    tally = Tally()
    started = time.monotonic()
    wrong = 0
    number = 0
    while tally.pairs < asked.pairs:
        seed = f"{asked.seed}-{number}"
        number += 1
        builds = [b for b in random_sequence(random.Random(seed), edits=EDITS) if can_be_read(b)]  # noqa: S311
        found = run_sequence(builds, base_images(), tally=tally, states_known=number % 3 != 0)
        if found is not None:
            wrong += 1
            print(
                f"seed {seed}: line {found.line} {found.instruction!r}: forecast {found.forecast} ({found.because}), "
                f"but it was {found.happened}"
            )
            print(as_case(shrunk(found, base_images())))
            if not asked.keep_going:
                break
    seconds = time.monotonic() - started
    print(
        f"seed {asked.seed}: {tally.pairs} pairs, {tally.steps} steps, {tally.hits} cached, {tally.depends} depends, "
        f"{tally.unseen} not reported, {tally.failed} builds failed, {wrong} disagreements, {seconds:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
