"""Where the program writes: one JSON document or tables on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from speedkit.rendering import plain_log

__all__ = ["print_json", "print_table", "stderr"]

PAPER_COLUMNS = 200
"""How wide a table is where no terminal says it."""

stderr = Console(stderr=True)


def print_json(document: object) -> None:
    """One JSON document on stdout; plain ASCII where stdout cannot take every character."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=plain, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """A table on stdout; the columns in `numbers` are set right-aligned. Nothing in a cell is taken as markup.

    Control characters, as a Dockerfile or a path may hold them, do not reach the terminal.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text("" if cell is None else plain_log(str(cell))) for cell in row))
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=PAPER_COLUMNS)
    if title:
        console.print(Text(plain_log(title), style="italic"))
    console.print(table)
