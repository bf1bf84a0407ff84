"""The table beside a figure, as HTML: amounts with their units, text at the left, long text whole in its tooltip."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from speedkit.messages import message, plural
from speedkit.rendering import NOT_MATH, Cell, html_text
from speedkit.rendering import table_html as cells_html
from speedkit.words import bytes_text, seconds_text

__all__ = ["table_html"]

STYLE = """<style>
.sk-table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.sk-table td,.sk-table th{text-align:right;padding:3px 12px 3px 0;white-space:nowrap}
.sk-table th{white-space:normal;vertical-align:bottom}
.sk-table td{max-width:380px;overflow:hidden;text-overflow:ellipsis}
table.sk-table .text{text-align:left!important}
.sk-table td.sk-words{white-space:normal}
.sk-table td.sk-line{white-space:normal;overflow-wrap:anywhere;min-width:160px}
.sk-read td{max-width:215px}
.sk-read td.sk-line{min-width:200px}
.sk-read td.said{white-space:normal;min-width:230px;max-width:640px}
.sk-wide{overflow-x:auto}.sk-how{font-size:12px;opacity:.75;padding:4px 0}
</style>"""
LOOKS = {"because": "said", "instruction": "sk-line", "layer": "sk-line"}
"""Columns that are never cut: sentences, and lines of Dockerfiles, which are broken where they must be."""
HEADS = {
    "because": message("because"),
    "build": message("build"),
    "bytes_fetched": message("fetched"),
    "edit": message("edit"),
    "from_base": message("from the base"),
    "high_seconds": message("high"),
    "image_mb": message("image"),
    "instruction": message("instruction"),
    "layer": message("layer"),
    "line": message("line"),
    "low_seconds": message("low"),
    "median_seconds": message("median"),
    "parent": message("parent"),
    "path": message("path"),
    "runs": message("number of runs"),
    "seconds": message("seconds"),
    "size_bytes": message("size"),
    "stage": message("stage"),
    "state": message("state"),
    "strategy": message("strategy"),
    "takes_from": message("takes from"),
}
STATES = {
    "cached": message("cached"),
    "ran": message("ran"),
    "running": message("running"),
    "failed": message("failed"),
    "cancelled": message("cancelled"),
    "waiting": message("waiting"),
    "unclear": message("unclear"),
    "no-step": message("no step"),
    "not-needed": message("not needed"),
    "hit": message("hit"),
    "miss": message("miss"),
    "depends": message("depends"),
}
"""What became of a step, or will: the words of the column `state`, which are those that code compares with."""


def table_html(
    table: pd.DataFrame,
    how: str,
    *,
    opened: bool,
    rows_shown: int | None = None,
    heads: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A table that a reader unfolds.

    how: the line on how its values were measured. opened: it is unfolded at first. rows_shown: how many rows, None for all.
    heads: the heads of columns that only this table has, by their names.
    """
    shown = [name for name in table.columns if not _says_nothing(name, table[name])]
    looks = {name: "" if _is_amount(table[name]) else "text sk-words" if name in heads else _look(name) for name in shown}
    rows = [
        [_cell(name, looks[name], value) for name, value in zip(shown, row, strict=True)]
        for row in table[shown].head(len(table) if rows_shown is None else rows_shown).itertuples(index=False, name=None)
    ]
    read = " sk-read" * ("because" in shown)
    written = cells_html([Cell(heads.get(name) or _head(name), looks[name]) for name in shown], rows, look=f"sk-table{read}")
    left = 0 if rows_shown is None else len(table) - rows_shown
    rest = plural("{count:,} more row in its table.", "{count:,} more rows in its table.", left)
    more = f'<div class="sk-how">{html_text(rest)}</div>' if left > 0 else ""
    return (
        f'{STYLE}<details{" open" * opened} class="{NOT_MATH}">'
        f"<summary>{html_text(message('The same as a table'))}</summary>"
        f'<div class="sk-how">{html_text(how)}</div>'
        f'<div class="sk-wide">{written}</div>'
        f"{more}</details>"
    )


def _look(name: str) -> str:
    return f"text {LOOKS.get(name, '')}".rstrip()


def _is_amount(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_bool_dtype(column)


def _says_nothing(name: str, column: pd.Series[Any]) -> bool:
    """Bytes that were never fetched, and columns without a value, only take up room."""
    return bool(column.isna().all()) or (name == "bytes_fetched" and not column.any())


def _head(name: str) -> str:
    return HEADS.get(name, name.removesuffix("_seconds").replace("_", " ") if name.endswith("_seconds") else name)


def _cell(name: str, look: str, value: Any) -> Cell:
    text = _text(name, value)
    return Cell(text, look, tip=text if look else "")


def _text(name: str, value: Any) -> str:
    if pd.isna(value):
        return ""
    if name.endswith("seconds"):
        return seconds_text(value) if value else ""
    if name == "state":
        return STATES.get(value, str(value))
    if name in ("size_bytes", "bytes_fetched"):
        return bytes_text(value)
    if name == "image_mb":
        return bytes_text(value * 1e6)
    return (message("yes") if value else "") if isinstance(value, bool) else str(value)
