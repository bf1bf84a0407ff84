"""What is a gain, and what is noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedkit.proof.gain import gain_of

SECONDS = st.floats(0.01, 1000)


@pytest.mark.parametrize(
    ("as_is", "patched", "speed"),
    [
        ([60, 60, 60], [5, 5, 5], "quicker"),
        ([5, 5, 5], [60, 60, 60], "slower"),
        ([60, 62, 58], [61, 58, 60], "same"),
        ([2.0], [1.75], "same"),
        # One commit in five needs the step that the patch spares.
        ([1.0, 1.0, 40.0, 1.0, 1.0], [1.0, 1.1, 9.0, 1.0, 0.9], "quicker"),
        ([0.5, 0.5, 0.5], [0.6, 0.4, 0.5], "same"),
    ],
)
def test_a_saving_within_the_noise_is_none(as_is, patched, speed):
    assert gain_of(as_is, patched, [0.4, 0.5, 0.6, 0.5]).speed == speed


def test_builds_that_vary_without_a_change_make_the_noise_larger():
    quiet, loud = [0.5, 0.52, 0.5, 0.51], [0.5, 4.0, 0.6, 2.0]
    assert gain_of([10, 10], [8, 8], quiet).speed == "quicker"
    assert gain_of([10, 10], [8, 8], loud).speed == "same"


def test_two_builds_of_the_original_that_took_different_times_make_the_noise_larger():
    assert gain_of([100, 100], [60, 60], [0.5]).speed == "quicker"
    assert gain_of([100, 100], [60, 60], [0.5], [(150, 90), (90, 91)]).speed == "quicker"
    assert gain_of([100, 100], [60, 60], [0.5], [(200, 80)]).speed == "same"


def test_the_change_is_that_of_all_rebuilds_together():
    assert gain_of([10, 30], [10, 10], [0.1, 0.1]).change_percent == -50
    assert gain_of([], [], []).change_percent == 0


@given(st.lists(st.tuples(SECONDS, SECONDS), max_size=9), st.lists(SECONDS, max_size=4))
def test_who_is_quicker_does_not_depend_on_who_is_called_the_original(pairs, unchanged):
    one, other = [first for first, _ in pairs], [second for _, second in pairs]
    speeds = {"quicker": "slower", "slower": "quicker", "same": "same"}
    assert gain_of(one, other, unchanged).speed == speeds[gain_of(other, one, unchanged).speed]
