"""The state of a step as an icon and a word, the same in every table, plot, page and report.

The page's own code gets the table as `widgets/frontend/src/states.json`, which `python -m speedkit.words` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from speedkit.messages import message

__all__ = ["FORECASTS", "OUTCOMES", "STATES", "ShownState", "outcome_word", "shown_state", "states_json"]


@dataclass(frozen=True, slots=True)
class ShownState:
    """icon: one character; "" for no icon. timed: the step's seconds are shown beside the word, or in its place."""

    icon: str
    word: str
    timed: bool = False


STATES: Mapping[str, ShownState] = MappingProxyType(
    {
        "cached": ShownState("✓", message("cached")),
        "ran": ShownState("↻", message("ran"), timed=True),
        "running": ShownState("◐", message("running"), timed=True),
        "failed": ShownState("✗", message("failed"), timed=True),
        "cancelled": ShownState("■", message("cancelled")),
        "waiting": ShownState("·", message("waiting")),
        "unclear": ShownState("?", message("not told apart")),
        "no-step": ShownState("", message("no step")),
        "not-needed": ShownState("", message("not needed")),
    }
)
"""The state of a step in a build, for each `speedkit.model.StepState`."""

FORECASTS: Mapping[str, ShownState] = MappingProxyType(
    {
        "hit": ShownState("✓", message("cached")),
        "miss": ShownState("↻", message("runs")),
        "depends": ShownState("◇", message("depends")),
    }
)
"""The forecast of a step, for each verdict about a step that the builder has to find or run."""


OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "running": message("running"),
        "done": message("done"),
        "failed": message("failed"),
        "cancelled": message("cancelled"),
        "broken": message("broken"),
    }
)
"""How a build ended, for each `speedkit.model.Outcome`."""


def outcome_word(outcome: str) -> str:
    """How a build ended, in a word."""
    return OUTCOMES.get(outcome, outcome)


def shown_state(state: str) -> ShownState:
    """The icon and word of a step's state or forecast."""
    return STATES[state] if state in STATES else FORECASTS[state]


def states_json() -> str:
    """Both tables as JSON for the page."""
    tables = {"states": STATES, "forecasts": FORECASTS}
    plain = {
        name: {key: {"icon": shown.icon, "word": shown.word} for key, shown in table.items()} for name, table in tables.items()
    }
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
