from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedkit.recordings.rawjson import Solve, read_rawjson

DIGEST = "sha256:" + "a" * 64


def vertex(**fields: object) -> bytes:
    return json.dumps({"vertexes": [{"digest": DIGEST, "name": "[1/2] RUN x"} | fields]}).encode()


def log(data: bytes) -> bytes:
    return json.dumps({"logs": [{"vertex": DIGEST, "stream": 1, "data": b64encode(data).decode()}]}).encode()


def at(seconds: float) -> str:
    return f"2026-01-01T00:00:{seconds:012.9f}Z"


def only(solve: Solve):
    assert list(solve.vertices) == [DIGEST]
    return solve.vertices[DIGEST]


def test_overlapping_spans_count_once():
    lines = [
        vertex(started=at(1), completed=at(3)),
        vertex(started=at(2), completed=at(5)),
        vertex(started=at(7), completed=at(8)),
    ]
    assert only(read_rawjson(lines)).seconds() == pytest.approx(5.0)


def test_a_span_reported_again_when_it_ends_counts_once():
    lines = [vertex(started=at(1)), vertex(started=at(1), completed=at(2.5))]
    found = only(read_rawjson(lines))
    assert found.seconds() == pytest.approx(1.5)
    assert not found.is_open


def test_an_open_span_lasts_until_now():
    solve = read_rawjson([vertex(started=at(1))])
    assert only(solve).is_open
    assert only(solve).seconds() == 0
    assert only(solve).seconds(solve.first + 4) == pytest.approx(4.0)


def test_a_character_cut_between_two_log_events_is_read_whole():
    euro = "€".encode()
    assert only(read_rawjson([log(euro[:1]), log(euro[1:])])).log == "€"


def test_log_bytes_that_are_no_utf8_become_replacement_characters():
    assert only(read_rawjson([log(b"ok \xff\xfe end")])).log == "ok \ufffd\ufffd end"


def test_a_line_of_ten_megabytes_is_kept_whole():
    assert len(only(read_rawjson([log(b"x" * 10_000_000)])).log) == 10_000_000


def test_plain_text_is_kept_as_the_error_text():
    solve = read_rawjson([b"Dockerfile:2\n", b"   2 | >>> RUNN x\n", b"ERROR: unknown instruction: RUNN\n"])
    assert solve.error_text.splitlines()[-1] == "ERROR: unknown instruction: RUNN"
    assert not solve.vertices


def test_transfers_take_the_furthest_of_each_status():
    status = {"id": "layer", "vertex": DIGEST, "current": 10}
    lines = [json.dumps({"statuses": [status | {"current": n}]}).encode() for n in (10, 70, 50)]
    lines.append(json.dumps({"statuses": [status | {"id": "other", "current": 5}]}).encode())
    assert only(read_rawjson(lines)).bytes_fetched == 75


def test_warnings_are_decoded():
    line = json.dumps({"warnings": [{"short": b64encode(b"FromAsCasing").decode()}]}).encode()
    assert read_rawjson([line]).warnings == ["FromAsCasing"]


@pytest.mark.parametrize("stamp", ["2026-01-01T00:00:01Z", "2026-01-01T01:00:01.000000000+01:00", "2026-01-01T00:00:01.0Z"])
def test_times_are_read_with_and_without_fractions_and_zones(stamp):
    solve = read_rawjson([vertex(started="2026-01-01T00:00:00.5Z", completed=stamp)])
    assert only(solve).seconds() == pytest.approx(0.5)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["vertexes", "statuses", "logs", "warnings", "digest", "started", "data", "vertex", "current"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()), max_size=8))
@pytest.mark.slow
def test_no_line_whatsoever_makes_the_reader_fail(lines):
    solve = read_rawjson(lines)
    assert all(isinstance(found.log, str) and found.seconds() >= 0 for found in solve.vertices.values())


def test_values_of_the_wrong_type_are_taken_for_text_or_left_out():
    odd = {"digest": ["sha256:0"], "inputs": 5, "error": {"a": 1}, "name": None, "started": ["x"], "cached": 1}
    (found,) = read_rawjson([json.dumps({"vertexes": [odd]}).encode()]).vertices.values()
    assert (found.digest, found.inputs, found.error, found.cached) == ("['sha256:0']", (), "{'a': 1}", True)
    solve = read_rawjson([json.dumps({"logs": [{"vertex": {}, "data": "aGk="}]}).encode()])
    assert [vertex.log for vertex in solve.vertices.values()] == ["hi"]
