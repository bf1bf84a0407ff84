"""All words about steps, their states, their causes and amounts; no other module has a sentence about a cause.

In: types of `speedkit.model` and `speedkit.causes`. Out: text for people, in several lengths. Import the words of causes from
`speedkit.words.causes`: loading all causes takes 60 ms, and `speedkit layers` is quicker without them.
"""

from __future__ import annotations

from .amounts import (
    bytes_text,
    count_steps,
    read_bytes,
    read_seconds,
    seconds_text,
    secrets_left_out,
    share_text,
    steps_that_ran,
    steps_that_ran_with,
)
from .states import FORECASTS, OUTCOMES, STATES, ShownState, last_error_line, outcome_word, shown_state, states_json

__all__ = [
    "FORECASTS",
    "OUTCOMES",
    "STATES",
    "ShownState",
    "bytes_text",
    "count_steps",
    "last_error_line",
    "outcome_word",
    "read_bytes",
    "read_seconds",
    "seconds_text",
    "secrets_left_out",
    "share_text",
    "shown_state",
    "states_json",
    "steps_that_ran",
    "steps_that_ran_with",
]
