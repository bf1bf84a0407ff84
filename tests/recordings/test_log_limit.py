"""A log without end is kept by its beginning and its end, and says what is missing between them."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from speedkit.recordings import log_limit
from speedkit.recordings.log_limit import limited
from speedkit.recordings.rawjson import read_rawjson


def log_line(data: bytes, vertex: str = "sha256:1") -> bytes:
    return json.dumps({"logs": [{"vertex": vertex, "stream": 1, "data": b64encode(data).decode()}]}).encode() + b"\n"


def ended(vertex: str = "sha256:1", **more: str) -> bytes:
    times = {"started": "2026-01-01T00:00:00Z", "completed": "2026-01-01T00:00:01Z"}
    return json.dumps({"vertexes": [{"digest": vertex, "name": "[1/1] RUN x"} | times | more]}).encode() + b"\n"


def test_what_an_engine_lets_through_is_kept_as_it_came():
    lines = [log_line(b"x" * 100_000 + b"\n") for _ in range(20)] + [ended(), b"ERROR: no\n", b"{not json\n"]
    assert list(limited(lines)) == lines


@pytest.mark.slow
def test_a_log_without_end_is_cut_between_lines_and_its_end_is_kept():
    line = b"%07d compiling\n"
    total = 12 << 20
    count = total // len(line % 0)
    chunks = (b"".join(line % number for number in range(at, min(count, at + 1000))) for at in range(0, count, 1000))
    lines = [*map(log_line, chunks), log_line(b"fatal: the reason\n"), ended(error="exit code: 1")]
    kept = list(limited(lines))
    log = read_rawjson(kept).vertices["sha256:1"].log
    assert log.startswith("0000000 compiling\n0000001 compiling\n")
    assert log.endswith("fatal: the reason\n")
    assert len(log) < log_limit.STEP_BYTES + 2 * log_limit.END_BYTES + 1000
    (said,) = [text for text in log.splitlines() if not text.endswith(("compiling", "the reason"))]
    left_out = int("".join(filter(str.isdigit, said)))
    assert left_out == count * len(line % 0) + len("fatal: the reason\n") - (len(log) - len(said) - 1)


@pytest.mark.slow
def test_a_line_without_end_is_cut_too():
    kept = list(limited([log_line(b"x" * (1 << 20)) for _ in range(30)] + [ended()]))
    log = read_rawjson(kept).vertices["sha256:1"].log
    assert len(log) < log_limit.STEP_BYTES + 2 * log_limit.END_BYTES
    assert "speedkit left out" in log


@pytest.mark.slow
def test_many_steps_share_what_a_build_may_keep():
    steps = [f"sha256:{number}" for number in range(40)]
    lines = [log_line(b"line\n" * 200_000, step) for step in steps for _ in range(3)] + [ended(step) for step in steps]
    solve = read_rawjson(limited(lines))
    assert sum(vertex.log_bytes for vertex in solve.vertices.values()) < log_limit.BUILD_BYTES + 40 * 2 * log_limit.END_BYTES
    assert all(vertex.log.endswith("line\n") for vertex in solve.vertices.values())


def test_a_step_that_never_ends_keeps_the_end_of_its_log():
    kept = list(limited([log_line(b"line\n" * 1_000_000), log_line(b"last\n")]))
    assert read_rawjson(kept).vertices["sha256:1"].log.endswith("last\n")


def test_text_is_cut_in_its_longest_lines_and_its_last_ones_are_kept():
    """BuildKit quotes the Dockerfile where it fails, and says why below."""
    text = [b"   1 | " + b"a" * 5_000_000 + b"\n", b"ERROR: failed to solve: the reason\n"]
    kept = list(limited(text))
    assert len(kept[0]) < 5_000
    assert kept[1:] == text[1:]
    many = [b"x" * 1_000 + b"\n" for _ in range(5_000)] + text[1:]
    assert sum(map(len, limited(many))) < 2 * log_limit.TEXT_BYTES
    assert list(limited(many))[-1] == text[1]


def test_text_that_is_left_out_is_told_of():
    limit = log_limit.LogLimit()
    lines = [b"%07d text\n" % number for number in range(200_000)]
    kept = [line for given in lines for line in limit.lines(given)]
    rest = limit.rest()
    assert limit.has_cut
    left_out = sum(map(len, lines)) - sum(map(len, kept)) - log_limit.LAST_LINES * len(lines[0])
    assert rest[0] == log_limit.CUT_HERE.format(count=left_out).encode()
    assert rest[1:] == lines[-log_limit.LAST_LINES :]


def test_text_of_which_all_is_kept_is_not_called_cut():
    limit = log_limit.LogLimit()
    lines = [b"x" * 4_000 + b"\n" for _ in range(log_limit.TEXT_BYTES // 4_001 + log_limit.LAST_LINES)]
    assert [line for given in lines for line in limit.lines(given)] + limit.rest() == lines
    assert not limit.has_cut
