"""Words of a hostile Dockerfile: expanded as BuildKit does, or refused with a sentence."""

from __future__ import annotations

import pytest

from speedkit.dockerfile import SubstitutionError, expand


def test_every_match_is_replaced_once_and_an_empty_one_behind_another_is_none():
    assert expand("${A//*/x}", {"A": "abc"}) == "x"
    assert expand("${A//?/'<$0>'}", {"A": "ab"}) == "<a><b>"


def test_a_wildcard_stops_at_the_end_of_a_line():
    assert expand("${A##*b}", {"A": "a\nb"}) == "a\nb"


def test_a_value_that_no_message_can_hold_is_refused():
    with pytest.raises(SubstitutionError, match="longer than 16 MB"):
        expand("$A" * 20_000, {"A": "a" * 4_000})


def test_a_missing_slash_is_named():
    with pytest.raises(SubstitutionError, match="missing '/'"):
        expand("${A/b", {"A": "abc"})
