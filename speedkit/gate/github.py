"""The outcome of a check for GitHub: Markdown for the summary of a step, and workflow commands that annotate lines.

All foreign text is escaped, for Markdown with the extensions of GitHub (tables, links of bare addresses, mentions, formulas),
and for workflow commands: the runner obeys each line of a step's output that begins with `::`.
Sources: https://github.github.com/gfm/; https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions;
actions/toolkit, packages/core/src/command.ts, for the escapes of commands.
"""

from __future__ import annotations

import re

from speedkit.control_characters import visible_line
from speedkit.messages import message, plural

from .outcome import CheckEntry, CheckOutcome, amount_text

__all__ = ["markdown", "workflow_commands"]

MARKS = {True: "✅", False: "❌", None: "❔"}
SPECIAL = re.compile(r"[\\`*_\[\]<>|&~]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
"""The characters that have a meaning inside of a line. Behind a backslash, they stand for themselves, and link nothing."""
MOST_ANNOTATIONS = 10
"""Of errors, and of warnings. GitHub shows no more of one step, and does not say so."""
MOST_BYTES = 1_000_000
"""Of a summary. GitHub shows none that has more than 1 MiB."""
MOST_CHARACTERS = 4000
"""Of one reason: a claim may name thousands of steps."""
LINKED = re.compile(r"[@$#]")
"""GitHub looks for mentions, formulas and issues after it has read the Markdown, in each text between two tags."""


def markdown(outcome: CheckOutcome) -> str:
    """The outcome as Markdown: a heading, and a table with a row for each budget and claim."""
    mark = MARKS[outcome.ok]
    lines = [f"### {mark} {_escaped(outcome.sentence)}", ""]
    columns = ["", message("budget or claim"), message("measured"), message("allowed"), message("because")]
    lines += [_row(columns), "|---|---|---:|---:|---|"]
    rows = _rows_that_fit(outcome.entries)
    lines += rows
    if len(rows) < len(outcome.entries):
        left_out = plural(
            "{count:,} more has no room here. `speedkit check` shows it.",
            "{count:,} more have no room here. `speedkit check` shows them.",
            len(outcome.entries) - len(rows),
        )
        lines += ["", left_out]
    # Behind a sign, no text can begin a list, a heading or a quotation.
    lines += [f"\nℹ️ {_escaped(notice)}" for notice in outcome.notices]
    return "\n".join(lines) + "\n"


def workflow_commands(outcome: CheckOutcome) -> list[str]:
    """Workflow commands: an error for each budget and claim that does not hold, a warning for each that was not checked.

    Of more than GitHub shows, the last command says how many there are.
    """
    commands = []
    for ok, command in ((False, "error"), (None, "warning")):
        entries = [entry for entry in outcome.entries if entry.ok is ok]
        shown = entries if len(entries) <= MOST_ANNOTATIONS else entries[: MOST_ANNOTATIONS - 1]
        commands += [_annotation(command, entry) for entry in shown]
        if left_out := len(entries) - len(shown):
            more = plural("{count:,} more: see the summary.", "{count:,} more: see the summary.", left_out)
            commands.append(f"::{command} title={_property(outcome.sentence)}::{_data(more)}")
    return commands


def _rows_that_fit(entries: tuple[CheckEntry, ...]) -> list[str]:
    """The rows of entries in their order, as far as a summary has room: those that do not hold come before all others."""
    by_need = sorted(range(len(entries)), key=lambda place: (entries[place].ok is not False, entries[place].ok is not None))
    rows: dict[int, str] = {}
    room = MOST_BYTES
    for place in by_need:
        entry = entries[place]
        # "1 step, allowed 0 steps" would say less about a claim than its reason does.
        amounts = ["", ""] if entry.kind == "claim" else [amount_text(entry, one) for one in (entry.amount, entry.allowed)]
        texts = [_shortened(text) for text in (entry.name, *amounts, entry.because)]
        row = _row([MARKS[entry.ok], *map(_escaped, texts)])
        room -= len(row.encode("utf-8", "surrogateescape")) + 1
        if room < 0:
            break
        rows[place] = row
    return [rows[place] for place in sorted(rows)]


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _annotation(command: str, entry: CheckEntry) -> str:
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
