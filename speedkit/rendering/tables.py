"""The one place where a table becomes HTML. Each text in a cell is escaped here, so no maker of a table can forget it.

pandas' own `Styler` does not escape cells, names of columns and attributes; it is not used in this package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from speedkit.control_characters import visible

from .html_text import html_attributes, html_text
from .mathjax import NOT_MATH

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FACTS_STYLE", "Cell", "Table", "table_html"]

# JupyterLab styles tables in cell outputs. A class named three times makes these rules more specific than its own.
FACTS_STYLE = """<style>
.sk-facts.sk-facts.sk-facts :is(th,td){text-align:left}
.sk-facts.sk-facts.sk-facts td.sk-whole{white-space:normal;overflow-wrap:anywhere;min-width:170px}
.sk-facts.sk-facts.sk-facts td.sk-amount{white-space:nowrap}
.sk-facts.sk-facts.sk-facts td.sk-dim{white-space:nowrap;color:var(--jp-ui-font-color2,#59636e)}
.sk-facts.sk-facts.sk-facts td.sk-sentence{white-space:normal;min-width:5em}
</style>"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    look: its class names. tip: its tooltip. is_code: shown in the font of code. below: code under the text.
    pixels: the width of its column; 0 for as wide as its content.
    """

    text: str
    look: str = ""
    tip: str = ""
    is_code: bool = False
    below: str = ""
    pixels: int = 0

    def html(self, element: str, *, scope: str = "") -> str:
        attributes = {
            "class": self.look,
            "title": self.tip,
            "scope": scope,
            "style": f"width:{self.pixels}px" if self.pixels else "",
        }
        text = f"<code>{html_text(self.text)}</code>" if self.is_code else html_text(self.text)
        below = f"<br><code>{html_text(self.below)}</code>" if self.below else ""
        return f"<{element}{html_attributes(attributes)}>{text}{below}</{element}>"


@dataclass(frozen=True, slots=True)
class Table:
    """A table for notebooks; `str` gives it as text.

    look: gives the class names of a cell from the name of its column and its text. heads: names of columns for readers, by the
    names in `data`. has_column_heads, has_row_heads: whether the names of columns, and the index, are shown.
    """

    data: pd.DataFrame
    look: Callable[[str, str], str] = lambda _column, _text: ""
    heads: Mapping[str, str] = field(default_factory=dict)
    has_column_heads: bool = True
    has_row_heads: bool = False

    def to_html(self) -> str:
        columns = [str(column) for column in self.data.columns]
        rows = [
            [Cell(str(value), self.look(column, str(value))) for column, value in zip(columns, row, strict=True)]
            for row in self.data.itertuples(index=False, name=None)
        ]
        head = [Cell(self.heads.get(column, column)) for column in columns] if self.has_column_heads else []
        row_heads = [str(name) for name in self.data.index] if self.has_row_heads else []
        return FACTS_STYLE + table_html(head, rows, look="sk-facts", row_heads=row_heads)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        shown = self.data.rename(columns=dict(self.heads))
        return visible(shown.to_string(header=self.has_column_heads, index=self.has_row_heads))

    __repr__ = __str__


def table_html(
    head: Sequence[Cell],
    rows: Sequence[Sequence[Cell]],
    *,
    look: str = "",
    row_heads: Sequence[str] = (),
    row_looks: Sequence[str] = (),
) -> str:
    """A table as HTML. look: its class names. row_heads, row_looks: the head and the class names of each row."""
    corner = "<td></td>" if row_heads else ""
    heads = "".join(cell.html("th", scope="col") for cell in head)
    body = ""
    for number, row in enumerate(rows):
        classes = f' class="{html_text(row_looks[number])}"' if row_looks else ""
        row_head = Cell(row_heads[number]).html("th", scope="row") if row_heads else ""
        body += f"<tr{classes}>{row_head}{''.join(cell.html('td') for cell in row)}</tr>"
    thead = f"<thead><tr>{corner}{heads}</tr></thead>" if head else ""
    return f'<table class="{html_text(f"{look} {NOT_MATH}".strip())}">{thead}<tbody>{body}</tbody></table>'
