"""The report of a tour: a summary and the executed notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from speedkit.messages import clauses, listed, message, plural
from speedkit.model import Build
from speedkit.plots import Plot
from speedkit.rendering import Cell, html_text, table_html
from speedkit.secrets import count_substitutes
from speedkit.words import seconds_text, secrets_left_out

from .cells import Figures, cell_html
from .html_page import html_page
from .tour_summary import NOT_BUILT, figures, strategy_by_edit

__all__ = ["Chapter", "page"]


@dataclass(frozen=True)
class Chapter:
    """One executed notebook. name: of its file, without the ending."""

    name: str
    notebook: Any
    seconds: float

    @property
    def title(self) -> str:
        """The first heading of the notebook; its name when it has none."""
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown" and cell.source.lstrip().startswith("# "):
                return str(cell.source.lstrip()[2:].splitlines()[0])
        return self.name


def page(chapters: Sequence[Chapter], builds: Sequence[Build], *, left_out: Sequence[str]) -> str:
    """The whole page.

    left_out: names of notebooks that were not executed; the page lists them.
    """
    page_figures = Figures()
    body = [_summary(builds, page_figures, left_out)]
    for chapter in chapters:
        cells = "".join(cell_html(cell, page_figures) for cell in chapter.notebook.cells)
        body.append(
            f'<section id="{html_text(chapter.name)}"><p class="took">{seconds_text(chapter.seconds)}</p>{cells}</section>'
        )
    if secrets := count_substitutes("".join(body)):
        body.insert(1, f'<p class="sub">{html_text(secrets_left_out(secrets))}</p>')
    links = {"summary": message("Summary"), **{chapter.name: chapter.title for chapter in chapters}}
    return html_page("".join(body), page_figures, title=message("speedkit: what the builds showed"), links=links)


def _summary(builds: Sequence[Build], page_figures: Figures, left_out: Sequence[str]) -> str:
    plots: list[Plot] = figures(builds)
    headline = plots[0].title if plots else message("No builds were recorded in this tour")
    columns, rows = strategy_by_edit(builds)
    table = table_html([Cell(column) for column in columns], [[Cell(text) for text in row] for row in rows], look="times")
    parts = [f'<section id="summary"><h1>{html_text(headline)}</h1><p class="sub">{html_text(_builds_note(builds, rows))}</p>']
    parts.append(f'<div class="wide">{table}</div>' if rows else "")
    parts += [page_figures.add(plot.bundle) + plot.table_html() for plot in plots]
    if left_out:
        note = message("Left out of this quick tour: {names}.", names=listed(left_out))
        parts.append(f'<p class="sub">{html_text(note)}</p>')
    return "".join(parts) + "</section>"


def _builds_note(builds: Sequence[Build], rows: Sequence[Sequence[str]]) -> str:
    """How many builds there are, how they were measured, and which parts of them were replaced."""
    notes = [
        plural("{count} real build", "{count} real builds", len(builds)),
        message("median seconds by strategy and edit"),
    ]
    if any(NOT_BUILT in row for row in rows):
        notes.append(message("{sign} was not built (`make tour FULL=1` builds every cell)", sign=NOT_BUILT))
    if any(build.stand_in for build in builds):
        notes.append(message("with stand-in base images, since no registry answered"))
    if frontends := sorted({build.replaced_frontend for build in builds if build.replaced_frontend is not None}):
        notes.append(message("with the engine's own frontend in place of {names}", names=listed(frontends)))
    return clauses(notes)
