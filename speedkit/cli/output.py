"""Where the program writes: one JSON document or tables on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from speedkit.rendering.ansi import plain_log

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from speedkit.rendering.reasons_html import Reason

__all__ = ["print_json", "print_sentence", "print_table", "print_text", "reason_json", "stderr", "takes_all_characters"]

PAPER_COLUMNS = 200
"""How wide a table is where no terminal says it."""
INSTRUCTION = "instruction"


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
    """One JSON document on stdout; plain ASCII where stdout cannot take every character."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=not takes_all_characters(), default=str) + "\n")


def takes_all_characters() -> bool:
    """Stdout takes every character, not only those of some old code page."""
    return (sys.stdout.encoding or "").lower().startswith("utf")


def print_text(*lines: str) -> None:
    """Lines on stdout. Control characters do not reach the terminal."""
    sys.stdout.write("".join(f"{plain_log(line)}\n" for line in lines))


def print_sentence(text: str) -> None:
    """A sentence on stdout, in a terminal broken between words. Control characters do not reach the terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout)
    console.print(Text(plain_log(text)), soft_wrap=not console.is_terminal)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    unbroken: Sequence[str] = (),
) -> None:
    """A table on stdout. Nothing in a cell is taken as markup.

    numbers: columns set right-aligned. unbroken: columns that stay on one line; others are broken where they must be.
    In a terminal an instruction is as long as the terminal is wide at most: its line says where the whole is.

    Control characters, as a Dockerfile or a path may hold them, do not reach the terminal.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout)
    longest = {INSTRUCTION: console.width} if console.is_terminal else {}
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=PAPER_COLUMNS)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold", no_wrap=column in unbroken)
    for row in rows:
        table.add_row(*(Text(_cell_text(cell, longest.get(name))) for name, cell in zip(columns, row, strict=True)))
    if title:
        console.print(Text(plain_log(title), style="italic"))
    if columns:
        console.print(table)


def _cell_text(cell: object, longest: int | None) -> str:
    text = "" if cell is None else plain_log(str(cell))
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def reason_json(reason: Reason, key: str) -> dict[str, object]:
    """A step with its reason. key: what its state is called, `state` of a build or `forecast`."""
    because = {"kind": reason.kind, "what": list(reason.what), "sentence": reason.because}
    seen = {"cached": reason.state == "cached", "seconds": round(reason.seconds, 4), "origins": list(reason.origins)}
    cached = {} if key == "forecast" else seen
    common = {"line": reason.line, "instruction": reason.instruction, "stage": reason.stage}
    return common | {key: reason.state} | cached | {"because": because}
