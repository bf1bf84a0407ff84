"""All words about steps, their states, their causes and amounts; no other module has a sentence about a cause.

In: types of `speedkit.model` and `speedkit.causes`. Out: text for a person, in the lengths that there is room for. The words
of causes are imported from `speedkit.words.causes`: to load all causes takes 60 ms, which `speedkit layers` has no time for.
"""

from __future__ import annotations

from .amounts import bytes_text, count_steps, seconds_text, secrets_left_out, share_text, steps_that_ran, steps_that_ran_with
from .states import FORECASTS, OUTCOMES, STATES, ShownState, outcome_word, shown_state, states_json

__all__ = [
    "FORECASTS",
    "OUTCOMES",
    "STATES",
    "ShownState",
    "bytes_text",
    "count_steps",
    "outcome_word",
    "seconds_text",
    "secrets_left_out",
    "share_text",
    "shown_state",
    "states_json",
    "steps_that_ran",
    "steps_that_ran_with",
]
