"""The table beside a figure, as HTML: amounts with units, text aligned left, the full text of a cut cell in its tooltip."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from speedkit.messages import Labels, marked, message, plural
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
"""Class names of columns whose text is wrapped and never cut: sentences and lines of Dockerfiles."""
HEADS = Labels(
    {
        "because": marked("because"),
        "build": marked("build"),
        "bytes_fetched": marked("fetched"),
        "commit": marked("commit"),
        "commits": marked("commits"),
        "edit": marked("edit"),
        "files": marked("files"),
        "from_base": marked("from the base"),
        "high_seconds": marked("high"),
        "image_mb": marked("image"),
        "instruction": marked("instruction"),
        "layer": marked("layer"),
        "line": marked("line"),
        "low_seconds": marked("low"),
        "median_seconds": marked("median"),
        "minutes": marked("minutes"),
        "minutes_so_far": marked("minutes until then"),
        "misses": marked("misses"),
        "parent": marked("parent"),
        "path": marked("path"),
        "runs": marked("number of runs"),
        "seconds": marked("seconds"),
        "seconds_range": marked("seconds"),
        "size_bytes": marked("size"),
        "stage": marked("stage"),
        "state": marked("state"),
        "steps": marked("steps"),
        "steps_so_far": marked("steps until then"),
        "strategy": marked("strategy"),
        "takes_from": marked("takes from"),
    }
)
STATES = Labels(
    {
        "cached": marked("cached"),
        "ran": marked("ran"),
        "running": marked("running"),
        "failed": marked("failed"),
        "cancelled": marked("cancelled"),
        "waiting": marked("waiting"),
        "unclear": marked("unclear"),
        "no-step": marked("no step"),
        "not-needed": marked("not needed"),
        "hit": marked("hit"),
        "miss": marked("miss"),
        "depends": marked("depends"),
    }
)
"""What a reader sees for the values of the column `state`. The values themselves are the same in every language."""


def table_html(
    table: pd.DataFrame,
    how: str,
    *,
    rows_shown: int | None = None,
    heads: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A table that a reader unfolds.

    how: the line on how its values were measured. rows_shown: how many rows, None for all.
    heads: the heads of columns that only this table has, by their names.
    """
    # Columns without any value, and downloads of builds that downloaded nothing, only take up room.
    shown = [
        name
        for name in table.columns
        if not table[name].isna().all() and not (name == "bytes_fetched" and not table[name].any())
    ]
    looks = {}
    for name in shown:
        is_number = pd.api.types.is_numeric_dtype(table[name]) and not pd.api.types.is_bool_dtype(table[name])
        text_look = "text sk-words" if name in heads else f"text {LOOKS.get(name, '')}".rstrip()
        looks[name] = "" if is_number else text_look
    rows = []
    for row in table[shown].head(len(table) if rows_shown is None else rows_shown).itertuples(index=False, name=None):
        # The name of an edit says nothing about the values: an edit may be called `10 seconds`.
        texts = [_cell_text("" if name in heads else name, value) for name, value in zip(shown, row, strict=True)]
        rows.append([Cell(text, looks[name], tip=text if looks[name] else "") for name, text in zip(shown, texts, strict=True)])
    read = " sk-read" * ("because" in shown)
    head = [Cell(heads.get(name) or HEADS.get(name, name), looks[name]) for name in shown]
    cells = cells_html(head, rows, look=f"sk-table{read}")
    more_rows = 0 if rows_shown is None else len(table) - rows_shown
    note = plural("{count:,} more row in its table.", "{count:,} more rows in its table.", more_rows)
    footer = f'<div class="sk-how">{html_text(note)}</div>' if more_rows > 0 else ""
    return (
        f'{STYLE}<details class="{NOT_MATH}">'
        f"<summary>{html_text(message('The same as a table'))}</summary>"
        f'<div class="sk-how">{html_text(how)}</div>'
        f'<div class="sk-wide">{cells}</div>'
        f"{footer}</details>"
    )


def _cell_text(name: str, value: Any) -> str:
    if pd.isna(value):
        return ""
    if name.endswith("seconds"):
        return seconds_text(value) if value else ""  # a cached step took no time of its own
    if name.startswith("minutes"):
        return message("{minutes:,.1f}", minutes=value)
    if name == "state":
        return STATES.get(value, str(value))
    if name in ("size_bytes", "bytes_fetched"):
        return bytes_text(value)
    if name == "image_mb":
        return bytes_text(value * 1e6)
    return (message("yes") if value else "") if isinstance(value, bool) else str(value)
