"""Stages made of copies alone: what they hold is known without building them."""

from __future__ import annotations

import pytest

from speedkit.cache import predict
from tests.cache.situations import cause_of, manifest, situation

FILES = {"src": "", "src_in_a": "1", "src_in_b": "2", "c": "3"}


def _copied(stage, path, **changes):
    """The forecast for `COPY --from` of a path, after a change of files in the stage it comes from."""
    text = f"FROM scratch AS files\n{stage}\nFROM base\nCOPY --from=files {path} /x\n"
    before, after = situation(text, manifest(**FILES)), situation(text, manifest(**{**FILES, **changes}))
    step = predict([before], after).steps[-1]
    return step.forecast, cause_of(step).kind


@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ("COPY . /w/", "/w/c"),
        ("COPY . /", "/c"),
        ("COPY src /w/", "/w/a"),
        ("COPY . /w/\nWORKDIR /elsewhere", "/w/c"),
        ("COPY src/b /other/\nCOPY src/a /w/", "/w"),
        ("COPY src/b /other/b\nCOPY src/a /w/", "/w/*"),
    ],
)
def test_what_did_not_change_in_the_stage_stays_cached(stage, path):
    assert _copied(stage, path, src_in_b="changed") == ("hit", "same-bytes")


def test_what_changed_is_left_open():
    assert _copied("COPY . /w/", "/w/src/b", src_in_b="changed") == ("depends", "result")
    assert _copied("COPY *.txt c src/b /w/", "/w/c", src_in_b="changed") == ("depends", "result")
    assert _copied("COPY . /w/", "/w/none", src_in_b="changed") == ("hit", "same-bytes")


def test_a_folder_made_there_belongs_to_it():
    assert _copied("COPY src/b /w/\nWORKDIR /w/deep", "/w", src_in_b="changed") == ("depends", "result")


def test_symlinks_leave_it_open():
    assert _copied("COPY . /w/", "/w/c", link="-> c") == ("depends", "result")


def test_a_command_leaves_it_open():
    text = "FROM base AS files\nCOPY . /w/\nRUN true\nFROM base\nCOPY --from=files /w/c /x\n"
    before, after = (situation(text, manifest(**{**FILES, "src_in_b": content})) for content in "23")
    assert predict([before], after).steps[-1].forecast == "depends"


def test_copies_of_copies_are_followed():
    text = (
        "FROM scratch AS one\nCOPY src/a /a\nFROM scratch AS two\nCOPY c /c\nCOPY --from=one /a /a\n"
        "FROM base\nCOPY --from=two /a /x\n"
    )
    before, after = (situation(text, manifest(**{**FILES, "c": content})) for content in "34")
    assert predict([before], after).steps[-1].forecast == "hit"
    third = (
        "FROM base AS one\nRUN true\nFROM scratch AS two\nCOPY c /c\nCOPY --from=one /a /a\nFROM base\nCOPY --from=two /a /x\n"
    )
    before, after = (situation(third, manifest(**{**FILES, "c": content})) for content in "34")
    assert predict([before], after).steps[-1].forecast == "depends"
