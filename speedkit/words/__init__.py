"""All words about steps, their states, their causes and amounts; no other module has a sentence about a cause.

In: types of `speedkit.model` and `speedkit.causes`. Out: text for a person, in the lengths that there is room for.
"""

from __future__ import annotations

from speedkit.words.amounts import bytes_text, count_text, does_text, seconds_text, secrets_left_out, share_text
from speedkit.words.causes import (
    Tense,
    beginning,
    in_margin,
    in_short,
    inputs_unchanged,
    now_cached,
    ran_because,
    sentence,
    sentences,
    title,
)
from speedkit.words.messages import listed, message, plural
from speedkit.words.states import FORECASTS, STATES, ShownState, shown_state, states_json

__all__ = [
    "FORECASTS",
    "STATES",
    "ShownState",
    "Tense",
    "beginning",
    "bytes_text",
    "count_text",
    "does_text",
    "in_margin",
    "in_short",
    "inputs_unchanged",
    "listed",
    "message",
    "now_cached",
    "plural",
    "ran_because",
    "seconds_text",
    "secrets_left_out",
    "sentence",
    "sentences",
    "share_text",
    "shown_state",
    "states_json",
    "title",
]
