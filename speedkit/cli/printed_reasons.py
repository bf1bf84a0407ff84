"""The reasons of steps, as a table and as JSON: forecast or seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message

from .output import print_json, print_table, reason_json

if TYPE_CHECKING:
    from speedkit.history import Reasons

__all__ = ["print_reasons"]


def print_reasons(found: Reasons, key: str, *, as_json: bool) -> None:
    """key: what the state of a step is called, `forecast` or `state`."""
    if as_json:
        steps = [reason_json(reason, key) for reason in found.steps]
        print_json({"steps": steps, "stand_in_frontend": found.replaced_frontend is not None})
        return
    from speedkit.words import seconds_text, shown_state

    timed = any(reason.seconds for reason in found.steps)
    rows = [
        [
            reason.line,
            reason.instruction,
            shown_state(reason.state).word,
            *([seconds_text(reason.seconds) if reason.seconds else ""] if timed else []),
            reason.because,
        ]
        for reason in found.steps
    ]
    line, seconds = message("line"), message("seconds")
    state = message("forecast") if key == "forecast" else message("state")
    columns = [line, message("instruction"), state, *([seconds] if timed else []), message("because")]
    print_table(found.title, columns, rows, numbers=[line, seconds])
