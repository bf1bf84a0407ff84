from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedkit.causes import FileChange, FilesChanged
from speedkit.rendering.ansi import ansi_to_html, plain_log
from speedkit.rendering.layers_table import LayerRow, layers_table_html
from speedkit.rendering.mathjax import NOT_MATH
from speedkit.rendering.reasons_html import Reason, reasons_html
from speedkit.words import shown_state
from speedkit.words.amounts import bytes_text, seconds_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "< 0.01 s"), (0.0099, "< 0.01 s"), (0.314, "0.31 s"), (4.25, "4.2 s"), (36.04, "36.0 s"), (125, "2 min 5 s")],
)
def test_seconds_have_a_unit_and_at_most_three_digits(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (812, "812 bytes"),
        (999, "999 bytes"),
        (3_200_000, "3.2 MB"),
        (406_000_000, "406 MB"),
        (999_999, "1.0 MB"),
    ],
)
def test_bytes_have_a_unit_and_at_most_three_digits(size, text):
    assert bytes_text(size) == text


def test_colours_become_spans_and_everything_else_is_escaped():
    shown = ansi_to_html("\x1b[31mbad\x1b[0m <img onerror=x>\x1b]0;title\x07\x07")
    assert shown == '<span style="color:var(--sk-bad,#b3261e)">bad</span> &lt;img onerror=x&gt;'


def test_a_progress_line_drawn_over_shows_its_last_state():
    assert plain_log("10%\r50%\r100%\ndone\r\n") == "100%\ndone\n"


@given(st.text())
def test_no_log_leaves_a_tag_or_a_control_character(text):
    shown = ansi_to_html(text)
    rest = shown.replace("</span>", "").split("<span style=")
    assert all("<" not in part for part in rest)
    assert not any(ord(letter) < 32 and letter not in "\n\t\r" for letter in shown)
    assert "\x1b" not in plain_log(text)


def test_no_formula_is_seen_in_the_text_of_a_step():
    step = Reason(
        1,
        "builder",
        "RUN go build $(grep -v ^unsafe$ /tmp/packages)",
        "ran",
        FilesChanged((FileChange("$A and $B", "content"),)),
    )
    for html in (reasons_html("title", [step]), layers_table_html("title", [], [LayerRow("RUN $(a) $b", 1, 1, 0, 0, 0)], [])):
        assert f'class="sk-{"build" if "sk-build" in html else "layers"} {NOT_MATH}"' in html


def test_a_forecast_is_said_in_the_words_of_a_build():
    assert [shown_state(state).word for state in ("hit", "miss", "depends", "no-step", "ran")] == [
        "cached",
        "runs",
        "depends",
        "no step",
        "ran",
    ]
