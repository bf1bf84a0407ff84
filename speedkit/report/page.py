"""Writes the report: executed notebooks and a summary as one HTML file that asks no network for anything."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

from speedkit.messages import language_tag, message, plural
from speedkit.model import Build
from speedkit.plots import Plot
from speedkit.rendering import Cell, html_text, table_html
from speedkit.secrets import count_substitutes
from speedkit.words import seconds_text, secrets_left_out

from .cells import Figures, cell_html
from .summary import NOT_BUILT, figures, strategy_by_edit

__all__ = ["Chapter", "page"]


@dataclass(frozen=True)
class Chapter:
    """One executed notebook. name: its file's, without the ending."""

    name: str
    notebook: Any
    seconds: float

    @property
    def title(self) -> str:
        """The notebook's first heading."""
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown" and cell.source.lstrip().startswith("# "):
                return str(cell.source.lstrip()[2:].splitlines()[0])
        return self.name


def page(chapters: Sequence[Chapter], builds: Sequence[Build], *, left_out: Sequence[str]) -> str:
    """The whole page.

    left_out: names of notebooks that were not executed; the page says so.
    """
    from plotly.offline import get_plotlyjs

    drawn = Figures()
    body = [_summary(builds, drawn, left_out)]
    for chapter in chapters:
        cells = "".join(cell_html(cell, drawn) for cell in chapter.notebook.cells)
        body.append(
            f'<section id="{html_text(chapter.name)}"><p class="took">{seconds_text(chapter.seconds)}</p>{cells}</section>'
        )
    if secrets := count_substitutes("".join(body)):
        body.insert(1, f'<p class="sub">{html_text(secrets_left_out(secrets))}</p>')
    links = "".join(f'<a href="#{html_text(chapter.name)}">{html_text(chapter.title)}</a>' for chapter in chapters)
    scripts = {"{first}": _asset("first.js"), "{plotly}": get_plotlyjs(), "{script}": _asset("page.js")}
    parts = scripts | {
        "{policy}": _policy(scripts.values()),
        "{style}": _asset("page.css"),
        "{language}": html_text(language_tag()),
        "{title}": html_text(message("speedkit: what the builds showed")),
        "{chapters}": html_text(message("Chapters")),
        "{summary}": html_text(message("Summary")),
        "{theme}": html_text(message("Dark or light")),
        "{links}": links,
        "{body}": "".join(body),
        "{figures}": drawn.as_script(),
    }
    return re.sub("|".join(map(re.escape, parts)), lambda found: parts[found[0]], _asset("page.html"))


def _policy(scripts: Iterable[str]) -> str:
    """The page's Content Security Policy: its own scripts run, told by their hashes, and no other one.

    What notebooks printed stands in this page. Should any of it ever be taken for markup, then no handler and no link in it
    runs (https://www.w3.org/TR/CSP3/#match-element-to-source-list). Styles are inline in every figure.
    """
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return (files("speedkit.report") / "assets" / name).read_text(encoding="utf-8")


def _summary(builds: Sequence[Build], drawn: Figures, left_out: Sequence[str]) -> str:
    plots: list[Plot] = figures(builds)
    headline = plots[0].title if plots else message("No builds were recorded in this tour")
    columns, rows = strategy_by_edit(builds)
    table = table_html([Cell(column) for column in columns], [[Cell(text) for text in row] for row in rows], look="times")
    parts = [f'<section id="summary"><h1>{html_text(headline)}</h1><p class="sub">{html_text(_facts(builds, rows))}</p>']
    parts.append(f'<div class="wide">{table}</div>' if rows else "")
    parts += [drawn.add(plot.bundle) + plot.table_html(opened=False) for plot in plots]
    if left_out:
        said = message("Left out of this quick tour: {names}.", names=", ".join(left_out))
        parts.append(f'<p class="sub">{html_text(said)}</p>')
    return "".join(parts) + "</section>"


def _facts(builds: Sequence[Build], rows: Sequence[Sequence[str]]) -> str:
    facts = [
        plural("{count} real build", "{count} real builds", len(builds)),
        message("median seconds by strategy and edit"),
    ]
    if any(NOT_BUILT in row for row in rows):
        facts.append(message("{sign} was not built (`make tour FULL=1` builds every cell)", sign=NOT_BUILT))
    if any(build.stand_in for build in builds):
        facts.append(message("with stand-in base images, since no registry answered"))
    if frontends := sorted({build.replaced_frontend for build in builds if build.replaced_frontend is not None}):
        facts.append(message("with the engine's own frontend in place of {names}", names=", ".join(frontends)))
    return "; ".join(facts)
