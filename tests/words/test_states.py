"""One table of icons and words for states, for Python and for the page."""

from __future__ import annotations

from typing import get_args

from speedkit.cache import Verdict
from speedkit.model import StepState
from speedkit.widgets.live_widget import STATIC
from speedkit.words import FORECASTS, STATES, shown_state, states_json


def test_every_state_and_every_forecast_has_a_word():
    for state in (*get_args(StepState), *get_args(Verdict)):
        assert shown_state(state).word
    assert set(STATES) == set(get_args(StepState))
    assert set(FORECASTS) | set(STATES) >= set(get_args(Verdict))


def test_an_icon_means_one_thing():
    meanings: dict[str, set[str]] = {}
    for name, shown in (*STATES.items(), *FORECASTS.items()):
        meanings.setdefault(shown.icon, set()).add(name)
    del meanings[""]
    assert sorted(map(sorted, (names for names in meanings.values() if len(names) > 1))) == [["cached", "hit"], ["miss", "ran"]]


def test_the_page_reads_the_same_table():
    """Where it does not: `python -m speedkit.words`, and build the page's bundle again."""
    kept = STATIC.parent / "frontend" / "src" / "states.json"
    assert kept.read_text(encoding="utf-8") == states_json()
