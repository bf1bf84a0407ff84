"""The layers of an image as an HTML table: the command of each, its size, its changed paths, and the wasted bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speedkit.messages import message
from speedkit.words import bytes_text

from .html_text import html_text
from .mathjax import NOT_MATH
from .tables import Cell, table_html

__all__ = ["LayerRow", "changes_text", "command_text", "layers_table_html"]

# JupyterLab styles tables in cell outputs. A class named three times makes these rules more specific than its own.
STYLE = """<style>
.sk-layers{--sk-dim:var(--jp-ui-font-color2,#59636e);--sk-line:var(--jp-border-color2,#dfe3e8);
font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);color:var(--jp-ui-font-color1,inherit);
border:1px solid var(--sk-line);border-radius:8px;padding:8px 12px;max-width:960px;margin:4px 0;text-align:left}
.sk-layers .sk-head{font-weight:600}.sk-layers .sk-sub{color:var(--sk-dim);font-size:12px;text-wrap:pretty}
.sk-layers.sk-layers.sk-layers table{border-collapse:collapse;border:0;width:100%;table-layout:fixed;margin:8px 0 0;
font-size:12px;font-variant-numeric:tabular-nums}
.sk-layers.sk-layers.sk-layers :is(tr,th,td){border:0;background:none}
.sk-layers.sk-layers.sk-layers :is(th,td){border-bottom:1px solid var(--sk-line);padding:2px 0 2px 12px;text-align:right;
max-width:none;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.sk-layers.sk-layers.sk-layers th{color:var(--sk-dim);font-weight:600}
.sk-layers.sk-layers.sk-layers :is(th,td).sk-text{text-align:left}
.sk-layers.sk-layers.sk-layers :is(th,td):first-child{padding-left:0}
.sk-layers.sk-layers.sk-layers code{font:12px/1.6 var(--jp-code-font-family,ui-monospace,monospace);white-space:nowrap;
background:none;color:inherit;padding:0;border:0}
</style>"""
TEXT = "sk-text"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer. added, changed, removed: numbers of paths. wasted_bytes: of files that higher layers replace or remove."""

    command: str
    size_bytes: int
    added: int
    changed: int
    removed: int
    wasted_bytes: int


def layers_table_html(title: str, facts: Sequence[str], layers: Sequence[LayerRow], waste: Sequence[tuple[str, int]]) -> str:
    """All layers as HTML. layers: lowest first. waste: the paths that waste most, with their bytes."""
    head = (
        Cell("#", look=TEXT, pixels=28),
        Cell(message("made by"), look=TEXT),
        Cell(message("size"), pixels=84),
        Cell(message("added"), pixels=80),
        Cell(message("changed"), pixels=80),
        Cell(message("removed"), pixels=80),
        Cell(message("wasted"), pixels=84),
    )
    table = table_html(head, [_row(number, layer) for number, layer in enumerate(layers, 1)])
    waste_table = ""
    if waste:
        waste_head = [Cell(message("wasted"), pixels=84), Cell(message("path"), look=TEXT)]
        waste_table = table_html(
            waste_head, [[Cell(bytes_text(size)), Cell(path, look=TEXT, tip=path, is_code=True)] for path, size in waste]
        )
    return (
        f'{STYLE}<div class="sk-layers {NOT_MATH}"><div class="sk-head">{html_text(title)}</div>'
        f'<div class="sk-sub">{html_text(" · ".join(facts))}</div>'
        f"{table}{waste_table}</div>"
    )


def _row(number: int, layer: LayerRow) -> list[Cell]:
    command = command_text(layer.command)
    return [
        Cell(str(number), look=TEXT),
        Cell(command, look=TEXT, tip=command, is_code=True) if command else Cell(message("unknown"), look=TEXT),
        Cell(bytes_text(layer.size_bytes)),
        *(Cell(changes_text(kind, getattr(layer, kind))) for kind in SIGNS),
        Cell(bytes_text(layer.wasted_bytes) if layer.wasted_bytes else "–"),
    ]


SIGNS = {"added": "+", "changed": "~", "removed": "−"}


def changes_text(kind: str, count: int) -> str:
    """`+12`, `~3`, `−1`, or a dash for none."""
    return f"{SIGNS[kind]}{count:,}" if count else "–"


def command_text(command: str) -> str:
    """The command of a layer on one line, without `/bin/sh -c` and `# buildkit`, which are the same for all layers."""
    text = command.removesuffix("# buildkit").replace("/bin/sh -c #(nop) ", "").replace("/bin/sh -c ", "")
    return " ".join(text.split())
