"""Each exercise accepts its solution, and refuses typical wrong answers with the right words: by real builds."""

from __future__ import annotations

import pytest

import speedkit as sk

from .answers import wrong_answers

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("name", [one.name for one in sk.exercises()])
def test_the_solution_is_accepted_and_wrong_answers_are_refused_with_the_reason(name, engine):
    # One test for all answers of an exercise: they share a cache, and with it the steps that they have in common.
    exercise = sk.exercise(name)
    exercise.solve()
    verdict = exercise.check()
    assert verdict.passed, verdict.said
    assert exercise.passed
    for answer in wrong_answers(name):
        answer.give(exercise)
        refusal = exercise.check()
        assert not refusal.passed, (answer.name, refusal.said)
        assert [piece for piece in answer.refusal if piece not in refusal.said] == [], (answer.name, refusal.said)
