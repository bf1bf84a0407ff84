"""The state of a step as an icon and a word, the same in every table, plot, page and report.

The page's own code gets the table as `widgets/frontend/src/states.json`, which `python -m speedkit.words` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from speedkit.messages import Labels, marked, message

if TYPE_CHECKING:
    from speedkit.model import Build

__all__ = ["FORECASTS", "OUTCOMES", "STATES", "ShownState", "last_error_line", "outcome_word", "shown_state", "states_json"]


@dataclass(frozen=True, slots=True)
class ShownState:
    """icon: one character; "" for no icon. english: the word, `marked`. timed: the step's seconds are shown beside the word, or
    in its place."""

    icon: str
    english: str
    timed: bool = False

    @property
    def word(self) -> str:
        return message(self.english)


STATES: Mapping[str, ShownState] = MappingProxyType(
    {
        "cached": ShownState("✓", marked("cached")),
        "ran": ShownState("↻", marked("ran"), timed=True),
        "running": ShownState("◐", marked("running"), timed=True),
        "failed": ShownState("✗", marked("failed"), timed=True),
        "cancelled": ShownState("■", marked("cancelled")),
        "waiting": ShownState("·", marked("waiting")),
        "unclear": ShownState("?", marked("not told apart")),
        "no-step": ShownState("", marked("no step")),
        "not-needed": ShownState("", marked("not needed")),
    }
)
"""The state of a step in a build, for each `speedkit.model.StepState`."""

FORECASTS: Mapping[str, ShownState] = MappingProxyType(
    {
        "hit": ShownState("✓", marked("cached")),
        "miss": ShownState("↻", marked("runs")),
        "depends": ShownState("◇", marked("depends")),
    }
)
"""The forecast of a step, for each verdict about a step that the builder has to find or run."""


OUTCOMES: Mapping[str, str] = Labels(
    {
        "running": marked("running"),
        "done": marked("done"),
        "failed": marked("failed"),
        "cancelled": marked("cancelled"),
        "broken": marked("broken"),
    }
)
"""How a build ended, for each `speedkit.model.Outcome`."""


def outcome_word(outcome: str) -> str:
    """How a build ended, in a word."""
    return OUTCOMES.get(outcome, outcome)


def last_error_line(build: Build) -> str:
    """The last line of the error of a build that failed."""
    lines = [line.strip() for line in (build.error or "").splitlines() if line.strip()]
    return lines[-1] if lines else message("it failed")


def shown_state(state: str) -> ShownState:
    """The icon and word of a step's state or forecast."""
    return STATES[state] if state in STATES else FORECASTS[state]


def states_json() -> str:
    """Both tables as JSON for the page."""
    tables = {"states": STATES, "forecasts": FORECASTS}
    plain = {
        name: {key: {"icon": shown.icon, "word": shown.english} for key, shown in table.items()}
        for name, table in tables.items()
    }
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
