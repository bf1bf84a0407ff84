"""Writes docs/reliability.md from a run of the whole table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.table import Fault

__all__ = ["REPORT", "Row", "write_report"]

REPORT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
HEAD = """# What holds on an unfriendly day

`make faults` repeats each row on a private Docker engine and writes this table; it ends with exit code 1 when a row falls.
"Right" is what must come of it, "seen" is what the last run saw.

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
    """Replace docs/reliability.md by what was seen."""
    lines = (
        f"| {_cell(row.fault.name)} | {_cell(row.fault.what)} | {_cell(row.fault.right)} | {_cell(row.seen)} "
        f"| {'holds' if row.holds else '**falls**'} |\n"
        for row in rows
    )
    REPORT.write_text(HEAD + "".join(lines), encoding="utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
