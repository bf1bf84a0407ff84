"""Random projects and edits: every forecast agrees with what real BuildKit does."""

from __future__ import annotations

import random

import pytest

from tests.conformance.__main__ import EDITS
from tests.conformance.bases import base_images
from tests.conformance.comparing import Tally, can_be_read, isolated, repeated_disagreement
from tests.conformance.editing import random_sequence
from tests.conformance.shrinking import as_case, shrunk

PAIRS = 300
PARTS = 10
SEED = 20


@pytest.mark.engine
@pytest.mark.conformance
@pytest.mark.parametrize("part", range(PARTS))
def test_forecasts_agree_with_real_builds(part):
    tally = Tally()
    number = 0
    while tally.pairs < PAIRS / PARTS:
        chance = random.Random(f"{SEED}-{part}-{number}")  # noqa: S311
        builds = [project for project in random_sequence(chance, edits=EDITS) if can_be_read(project)]
        number += 1
        found = repeated_disagreement(builds, base_images(), tally=tally, states_known=number % 3 != 0)
        assert found is None, as_case(shrunk(found, base_images()))
    assert tally.hits > tally.pairs
    assert tally.unseen == 0
    assert len(tally.not_repeated) <= 1


def test_a_project_is_isolated_whatever_ends_its_lines():
    for text in ("FROM a\nRUN x\r\nRUN y\n", "FROM a\r\nRUN x\r\nRUN y", "FROM a\nRUN x\nRUN y\n"):
        alone, origin = isolated(text, "COPY token /")
        assert alone.split("\n")[1].strip() == "COPY token /"
        assert origin == [0, 1, 0, 2, 3]
