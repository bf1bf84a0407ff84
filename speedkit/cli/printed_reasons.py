"""Prints the reasons of steps, of a forecast or of a finished build, as a table or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from speedkit.messages import message

from .output import print_json, print_table, print_text, reason_json

if TYPE_CHECKING:
    from speedkit.history import Reasons

__all__ = ["print_reasons"]


def print_reasons(reasons: Reasons, key: str, *, as_json: bool) -> None:
    """key: the name of a step's state in JSON, `forecast` or `state`."""
    if as_json:
        steps = [reason_json(reason, key) for reason in reasons.steps]
        document: dict[str, object] = {"steps": steps, "stand_in_frontend": reasons.replaced_frontend is not None}
        if key == "forecast":
            document["warnings"] = [asdict(finding) for finding in reasons.warnings]
        print_json(document)
        return
    from speedkit.words import seconds_text, shown_state

    timed = any(reason.seconds for reason in reasons.steps)
    rows = [
        [
            reason.line,
            reason.instruction,
            shown_state(reason.state).word,
            *([seconds_text(reason.seconds) if reason.seconds else ""] if timed else []),
            reason.because,
        ]
        for reason in reasons.steps
    ]
    line, seconds = message("line"), message("seconds")
    state = message("forecast") if key == "forecast" else message("state")
    columns = [line, message("instruction"), state, *([seconds] if timed else []), message("because")]
    print_table(reasons.title, columns, rows, numbers=[line, seconds])
    if reasons.warnings:
        print_text("")
        warnings = [[finding.line, finding.rule, finding.sentence] for finding in reasons.warnings]
        print_table(message("BuildKit's linter warns:"), [line, message("rule"), message("warning")], warnings, numbers=[line])
