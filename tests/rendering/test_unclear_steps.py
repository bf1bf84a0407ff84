"""A step whose vertex BuildKit's report does not tell is shown in words everywhere, and counts neither as cached nor as run."""

from __future__ import annotations

from typing import get_args

from speedkit.causes import NotTold
from speedkit.model import Build, Step, StepState
from speedkit.plots import cache_grid
from speedkit.rendering.build_steps import build_html
from speedkit.rendering.reasons_html import Reason, reasons_html
from speedkit.words import STATES, shown_state

WORDS = "not told apart"


def build(state: StepState = "unclear") -> Build:
    step = Step("RUN x", "stage-0", "RUN x", 2, state, 0.0)
    return Build("id", "app", "one", "none", "2026-01-01", 1.0, "done", 0, "FROM a\nRUN x\n", (step,))


def test_every_state_has_a_shape_and_words():
    for state in get_args(StepState):
        assert STATES[state].word
        assert build_html(build(state))


def test_it_is_said_in_every_view():
    found = build()
    assert WORDS in build_html(found)
    assert "0 cached, 0 ran" in build_html(found)
    reason = Reason(2, "stage-0", "RUN x", "unclear", NotTold())
    assert WORDS in reasons_html("title", [reason])
    assert WORDS in shown_state("unclear").word
    assert WORDS in cache_grid([found]).table.to_string()
