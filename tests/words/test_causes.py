"""Every cause has its words, whatever causes there are."""

from __future__ import annotations

import dataclasses
import re
import typing
from types import UnionType

import pytest

from speedkit.causes import (
    Cause,
    CauseKind,
    Depends,
    Line,
    NotAMiss,
    NotFetched,
    OtherBuilder,
    OtherDigest,
    StepRan,
    cause_kind,
    cause_subjects,
)
from speedkit.words.causes import cause_clause, cause_in_margin, cause_in_short, cause_sentence, cause_title, ran_because

TAKES_A_SENTENCE = OtherBuilder | NotFetched | OtherDigest
"""A miss that a few words do not tell."""


def types_of(union: object) -> list[type]:
    return list(typing.get_args(union))


def made(hint: object, *, several: bool, number: int = 0) -> list[object]:
    """Values of a type: for a closed set, or a union, each of its members."""
    if hint is str:
        return ["name"]
    if hint is int:
        return [7 + number]
    if hint is bool:
        return [True, False]
    if hint is type(None):
        return [None]
    arguments, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin is typing.Literal:
        return list(arguments)
    if origin is tuple:
        one = made(arguments[0], several=several)
        return [tuple(one[:1] * 2), tuple(one)] if several else [(each,) for each in one]
    if isinstance(hint, UnionType) or origin is typing.Union:
        if set(types_of(Cause)) <= set(arguments):
            return [StepRan((Line(3),))]
        return [value for argument in arguments for value in made(argument, several=several)]
    return instances(hint, several=several)


def instances(kind: typing.Any, *, several: bool) -> list[typing.Any]:
    """Objects of a cause's type: all values of its fields occur, each at least once."""
    hints = typing.get_type_hints(kind)
    values = {field.name: made(hints[field.name], several=several) for field in dataclasses.fields(kind)}
    most = max(map(len, values.values()), default=1)
    return [kind(**{name: those[number % len(those)] for name, those in values.items()}) for number in range(most)]


EVERY = [
    pytest.param(cause, id=f"{kind.__name__}-{'several' if several else 'one'}-{number}")
    for kind in types_of(Cause)
    for several in (False, True)
    for number, cause in enumerate(instances(kind, several=several))
]


@pytest.mark.parametrize("cause", EVERY)
def test_every_cause_has_a_sentence_in_each_tense_a_kind_and_facts(cause):
    for tense in ("will", "did"):
        assert re.fullmatch(r"\S[^{}]*\.", cause_sentence(cause, tense))
    assert cause_kind(cause) in typing.get_args(CauseKind)
    assert all(isinstance(fact, str) for fact in cause_subjects(cause))


@pytest.mark.parametrize("cause", EVERY)
def test_a_cause_that_makes_a_step_run_has_a_few_words_and_begins_a_title(cause):
    assert cause_clause(cause)
    assert not re.search(
        r"[{}]", cause_clause(cause) + cause_title(cause, line=7) + cause_in_short(cause) + cause_in_margin(cause)
    )
    assert cause_title(cause, line=7)[:1].isupper() or "name" in cause_title(cause, line=7)
    assert bool(cause_in_short(cause)) == (not isinstance(cause, NotAMiss | Depends | TAKES_A_SENTENCE))


@pytest.mark.parametrize("cause", EVERY)
def test_how_long_a_step_ran_is_said_with_its_cause(cause):
    assert ran_because(cause, "2 s").startswith("ran for 2 s")
    assert "RUN make on line 7" in ran_because(cause, "2 s", began=("RUN make", 7))
