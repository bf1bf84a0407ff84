"""Where the program writes: one JSON document or tables on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["print_json", "print_table", "stderr"]

PAPER_COLUMNS = 200
"""How wide a table is where no terminal says it."""


class _ErrorOutput:
    """What rich shows on stderr; rich is loaded when there is something to show."""

    @cached_property
    def console(self) -> Console:
        from rich.console import Console

        return Console(stderr=True)

    @property
    def is_terminal(self) -> bool:
        return self.console.is_terminal

    def print(
        self, shown: RenderableType, *, highlight: bool | None = None, markup: bool | None = None, soft_wrap: bool | None = None
    ) -> None:
        self.console.print(shown, highlight=highlight, markup=markup, soft_wrap=soft_wrap)


stderr = _ErrorOutput()


def print_json(document: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """A table on stdout; the columns in `numbers` are set right-aligned. Nothing in a cell is taken as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console = Console(file=sys.stdout)
    console.print(table) if console.is_terminal else Console(file=sys.stdout, width=PAPER_COLUMNS).print(table)
