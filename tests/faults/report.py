"""Writes docs/reliability.md: each row of the table of faults as its last run saw it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.table import Fault, all_faults

__all__ = ["REPORT", "Row", "cell", "read_report", "write_report"]

REPORT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
HEAD = """# What holds on an unfriendly day

`make faults` repeats each row on a private Docker engine and writes this table; it ends with exit code 1 when a row falls.
"Right" is what must come of it, "seen" is what the row's last run saw.

| fault | what is done | right | seen | |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """A row of the table after its run."""

    fault: Fault
    holds: bool
    seen: str
    seconds: float


def write_report(rows: Iterable[Row]) -> None:
    """Put what was seen into docs/reliability.md; rows that were not run stay as they were seen before."""
    lines = {name: cells for name, cells in read_report().items() if name in all_faults()}
    for row in rows:
        words = [row.fault.name, row.fault.what, row.fault.right, row.seen]
        lines[row.fault.name] = [*map(cell, words), "holds" if row.holds else "**falls**"]
    ordered = [lines[name] for name in all_faults() if name in lines]
    REPORT.write_text(HEAD + "".join(f"| {' | '.join(cells)} |\n" for cells in ordered), encoding="utf-8")


def read_report() -> dict[str, list[str]]:
    """The cells of each row, by the row's name."""
    if not REPORT.is_file():
        return {}
    lines = [line for line in REPORT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    rows = [[part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0]: row for row in rows}


def cell(text: str) -> str:
    """A text as it stands in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
