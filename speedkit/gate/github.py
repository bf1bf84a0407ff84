"""The outcome of a check for GitHub: Markdown for the summary of a step, and workflow commands that annotate lines.

All foreign text is escaped, for Markdown with the extensions of GitHub (tables, links of bare addresses, mentions, formulas),
and for workflow commands: the runner obeys each line of a step's output that begins with `::`.
Sources: https://github.github.com/gfm/; https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions;
actions/toolkit, packages/core/src/command.ts, for the escapes of commands.
"""

from __future__ import annotations

import re

from speedkit.control_characters import visible_line
from speedkit.messages import message

from .outcome import CheckEntry, CheckOutcome, amount_text

__all__ = ["markdown", "workflow_commands"]

MARKS = {True: "✅", False: "❌", None: "❔"}
SPECIAL = re.compile(r"[\\`*_\[\]<>|&~]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
"""The characters that have a meaning inside of a line. Behind a backslash, they stand for themselves, and link nothing."""
LINKED = re.compile(r"[@$#]")
"""GitHub looks for mentions, formulas and issues after it has read the Markdown, in each text between two tags."""


def markdown(outcome: CheckOutcome) -> str:
    """The outcome as Markdown: a heading, and a table with a row for each budget and claim."""
    mark = MARKS[outcome.ok]
    lines = [f"### {mark} {_escaped(outcome.sentence)}", ""]
    columns = ["", message("budget or claim"), message("measured"), message("allowed"), message("because")]
    lines += [_row(columns), "|---|---|---:|---:|---|"]
    for entry in outcome.entries:
        # "1 step, allowed 0 steps" would say less about a claim than its reason does.
        amounts = ["", ""] if entry.kind == "claim" else [amount_text(entry, one) for one in (entry.amount, entry.allowed)]
        lines.append(_row([MARKS[entry.ok], *map(_escaped, [entry.name, *amounts, entry.because])]))
    # Behind a sign, no text can begin a list, a heading or a quotation.
    lines += [f"\nℹ️ {_escaped(notice)}" for notice in outcome.notices]
    return "\n".join(lines) + "\n"


def workflow_commands(outcome: CheckOutcome) -> list[str]:
    """Workflow commands: an error for each budget and claim that does not hold, a warning for each that was not checked."""
    return [_annotation(entry) for entry in outcome.entries if not entry.ok]


def _annotation(entry: CheckEntry) -> str:
    command = "error" if entry.ok is False else "warning"
    properties = f"file={_property(entry.file)},line={entry.line},title={_property(entry.name)}"
    return f"::{command} {properties}::{_data(entry.because)}"


def _data(text: str) -> str:
    # The line ends of the text itself are visible escapes already; these three are what the runner decodes.
    return visible_line(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    escaped = SPECIAL.sub(r"\\\g<0>", visible_line(text))
    return LINKED.sub(r"<span>\g<0></span>", escaped)
