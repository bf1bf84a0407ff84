"""A log is kept whole, shown by pages, searched as it grows, and never lets an escape sequence through."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedkit.page.log_lines import LogLines
from tests.cpu_budget import within_cpu_seconds


def lines_of(text: str) -> list:
    log = LogLines()
    log.feed(text)
    return log.page(0, 1000)


@pytest.mark.slow
def test_two_hundred_thousand_lines_are_all_there_and_memory_stays_small():
    tracemalloc.start()
    log = LogLines()
    text = "".join(f"line {number}\n" for number in range(200_000))
    for start in range(0, len(text), 10_000):
        log.feed(text[start : start + 10_000])
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert log.total == 200_000
    assert log.page(199_998, 10) == ["line 199998", "line 199999"]
    assert used < 60_000_000


def test_an_unfinished_line_is_shown_and_grows():
    log = LogLines()
    log.feed("one\ntw")
    assert (log.total, log.page(0, 5)) == (2, ["one", "tw"])
    log.feed("o\n")
    assert (log.total, log.page(0, 5)) == (2, ["one", "two"])


def test_a_colour_goes_on_in_the_next_line_until_it_is_reset():
    assert lines_of("\x1b[1;31mred\nstill\x1b[0m plain\nplain") == [
        [("red", "skw-b skw-c1")],
        [("still", "skw-b skw-c1"), (" plain", "")],
        "plain",
    ]


def test_colours_that_have_no_class_are_skipped_with_their_numbers():
    assert lines_of("\x1b[38;5;196mx\x1b[48;2;1;2;3my\x1b[92mz\x1b[39m.\x1b[1m!\x1b[22m?") == [
        [("x", ""), ("y", ""), ("z", "skw-c10"), (".", ""), ("!", "skw-b"), ("?", "")]
    ]


def test_a_progress_line_shows_what_was_drawn_last():
    assert lines_of("10%\r50%\r100%\nwindows\r\n") == ["100%", "windows"]
    assert lines_of("\x1b[32m10%\r20%") == [[("20%", "skw-c2")]]


def test_titles_cursor_moves_and_control_characters_are_dropped():
    assert lines_of("\x1b]0;title\x07a\x1b[2Kb\x1b[1Ac\x00\x08d") == [[("a", ""), ("b", ""), ("cd", "")]]


def test_markup_in_a_log_stays_text():
    assert lines_of("<img src=x onerror=alert(1)></script>") == ["<img src=x onerror=alert(1)></script>"]


def test_a_character_cut_in_two_by_the_stream_comes_out_whole():
    log = LogLines()
    data = "größe\n".encode()
    log.feed_chunks([data[:3]])
    log.feed_chunks([data[3:]])
    assert (log.page(0, 1), log.chunks_fed) == (["größe"], 2)


def test_search_ignores_case_and_colours_and_goes_on_with_the_log():
    log = LogLines()
    log.feed("Error one\nfine\n\x1b[31mer\x1b[0mror two\n")
    assert log.find("ERROR") == ([0, 2], 2)
    log.feed("no\nerror three\n")
    assert log.find("error") == ([0, 2, 4], 3)
    assert log.find("three") == ([4], 1)
    assert log.find("") == ([], 0)


def test_every_match_is_counted_when_too_many_to_name():
    log = LogLines()
    log.feed("x\n" * 20_005)
    found, total = log.find("x")
    assert (len(found), total) == (20_000, 20_005)


@given(st.lists(st.text(alphabet="ab\n\r\x1b[0;31m<", max_size=20), max_size=6))
def test_pieces_give_the_same_lines_as_the_whole_and_no_escape_survives(pieces):
    log = LogLines()
    for piece in pieces:
        log.feed(piece)
    assert log.page(0, 1000) == lines_of("".join(pieces))
    for runs in log.page(0, 1000):
        text = runs if isinstance(runs, str) else "".join(text for text, _ in runs)
        assert "\x1b" not in text
        assert "\r" not in text


def test_a_colour_code_of_endless_digits_is_no_colour():
    digits = "0" * 4400
    assert lines_of(f"\x1b[{digits}1mbold\x1b[{'9' * 4400}mstill") == [[("bold", "skw-b"), ("still", "skw-b")]]


def test_a_colour_by_its_parts_is_passed_over():
    assert lines_of("\x1b[38;5;1;1mx") == [[("x", "skw-b")]]
    assert lines_of("\x1b[38;2;1;3;4;1mx") == [[("x", "skw-b")]]


@pytest.mark.slow
def test_no_log_is_slow():
    code = """
from speedkit.rendering.ansi import ansi_to_html, plain_log
from speedkit.page.log_lines import LogLines
from speedkit.page.failure_marks import failing_line, marks_of, _compiler_marks
for text in (
    "x" * 1_000_000, "\\x1b[" * 300_000, "\\x1b[" + "1;" * 500_000 + "m", "\\x1b]" * 300_000, "a\\r" * 300_000, "\\r" * 500_000,
    "\\x1b[" + "1" * 900_000, "a/" * 300_000 + ":1: x", "a:" * 300_000, ":1" * 300_000, "Dockerfile" * 60_000,
    "error" * 100_000,
):
    log = LogLines()
    log.feed(text)
    log.page(0, 10)
    list(log.plain())
    log.find("needle")
    plain_log(text)
    ansi_to_html(text)
    lines = list(log.plain())
    failing_line(lines)
    _compiler_marks(lines, lambda path: False)
"""
    within_cpu_seconds(60, code)
