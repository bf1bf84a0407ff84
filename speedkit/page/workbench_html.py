"""The twin of a workbench: plain HTML, which a saved, exported or recorded notebook shows without a kernel.

In: the page of the live widget, and the texts that the live page would ask for. Out: HTML without a script, with the style
sheet and the class names of the live page. Foreign text is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speedkit.messages import message
from speedkit.rendering import NOT_MATH, html_text
from speedkit.secrets import count_substitutes
from speedkit.words import FORECASTS, secrets_left_out

from .outlook_html import outlook_html
from .steps_html import TONES
from .workbench_page import FileTab, WorkbenchPage

if TYPE_CHECKING:
    from .log_lines import StyledLine

__all__ = ["TwinTexts", "twin_html"]

TABS = 4


@dataclass(frozen=True, slots=True)
class TwinTexts:
    """The texts that are not in the page: the text of the open file, and log lines.

    file: None for files with names that say that they hold secrets. log_first: the 0-based number of the first log line.
    """

    file: str | None
    log: list[StyledLine]
    log_first: int


def twin_html(page: WorkbenchPage, texts: TwinTexts, *, style: str, name: str) -> str:
    """The last state of a workbench. name: the live widget finds its twin by it, and hides it."""
    title = message("Workbench for {app}", app=page.app.name)
    notice_html = ""
    if page.notice is not None:
        notice_html = (
            f'<div class="skw-notice skw-notice-{page.notice.kind}"><span class="skw-notice-text">'
            f"<b>{html_text(page.notice.what)}</b> {html_text(page.notice.fix)}</span></div>"
        )
    return (
        f'<div class="{NOT_MATH}" data-skw-twin="{html_text(name)}"><style>{style}</style>'
        f'<section class="skw skw-twin" aria-label="{html_text(title)}">'
        f"{_bar(page)}{notice_html}"
        f'<div class="skw-main">{_editor(page, texts)}'
        f'<div class="skw-steps">{page.steps_html(is_live=False)}{_log(page, texts)}</div></div>'
        f'<div class="skw-foot">{page.builds_html(is_live=False)}</div></section></div>'
    )


def _bar(page: WorkbenchPage) -> str:
    name = page.strategy.name
    if page.strategy.is_custom:
        name = message("{strategy} (from {base})", strategy=name, base=page.strategy.base)
    recorded_hint = message("The last state, saved with the notebook. Run the cell to go on from here.")
    outlook = "" if page.outlook is None else outlook_html(page.outlook)
    return (
        f'<header class="skw-bar"><div class="skw-bar-row"><b class="skw-app">{html_text(page.app.name)}</b>'
        f'<span class="skw-dim">{html_text(message("Strategy"))}</span> <b>{html_text(name)}</b><span class="skw-grow"></span>'
        f'<span class="skw-tag" title="{html_text(recorded_hint)}">{html_text(message("recorded"))}</span>'
        f'<span class="skw-dim">{html_text(page.engine)}</span>{outlook}'
        "</div></header>"
    )


def _editor(page: WorkbenchPage, texts: TwinTexts) -> str:
    file = page.open_file
    if file is None:
        return f'<div class="skw-editor"><div class="skw-empty">{html_text(message("This app has no text files."))}</div></div>'
    tabs = ""
    for tab in page.files[:TABS]:
        dot = f' <span class="skw-run" title="{html_text(message("changed"))}">●</span>' if tab.changed else ""
        tabs += f'<span class="skw-twin-tab{" skw-twin-open" if tab is file else ""}">{html_text(tab.label)}{dot}</span>'
    if file.state == "refused":
        body = f'<div class="skw-empty">{html_text(file.reason)}</div>'
    elif texts.file is None:
        left_out = message("Its text is left out of the saved notebook: files of this name hold secrets.")
        body = f'<div class="skw-empty">{html_text(left_out)}</div>'
    else:
        count = count_substitutes(texts.file)
        left_out = f'<div class="skw-empty">{html_text(secrets_left_out(count))}</div>' if count else ""
        body = f'<div class="skw-code skw-lines">{_code(file, page, texts.file)}</div>{left_out}'
    return f'<div class="skw-editor"><div class="skw-tabs">{tabs}</div>{body}</div>'


def _code(file: FileTab, page: WorkbenchPage, text: str) -> str:
    marks: dict[int, list[str]] = {}
    for mark in page.marks:
        if mark.path == file.path:
            marks.setdefault(mark.line, []).append(mark.message)
    forecast = {entry["line"]: entry for entry in page.forecast} if file.is_dockerfile else {}
    return "".join(
        _code_line(number, line, marks.get(number, []), forecast.get(number), gutter=bool(forecast))
        for number, line in enumerate(text.split("\n"), 1)
    )


def _code_line(number: int, line: str, marks: list[str], entry: Mapping[str, Any] | None, *, gutter: bool) -> str:
    forecast = ""
    if entry is not None and entry["forecast"] in FORECASTS:
        shown, tone = FORECASTS[entry["forecast"]], TONES[entry["forecast"]]
        because, short = html_text(entry.get("because", "")), html_text(entry.get("short") or shown.word)
        forecast = f'<span class="{tone}" title="{because}">{shown.icon} {short}</span>'
    margin = f'<span class="skw-twin-guess">{forecast}</span>' if gutter else ""
    notes = "".join(f'<div class="skw-mark">✗ {html_text(mark)}</div>' for mark in marks)
    return (
        f'<div class="skw-row{" skw-marked" if marks else ""}">{margin}<span class="skw-twin-number">{number}</span>'
        f"{html_text(line)}\n</div>{notes}"
    )


def _log(page: WorkbenchPage, texts: TwinTexts) -> str:
    row = page.steps.row(page.log.step)
    why = f'<p class="skw-why">{html_text(row.why)}</p>' if row is not None and row.why else ""
    if not texts.log:
        return why and f'<div class="skw-log">{why}</div>'
    title = message(
        "Log of the step, lines {first} to {last} of {total}",
        first=texts.log_first + 1,
        last=texts.log_first + len(texts.log),
        total=page.log.lines,
    )
    rows = "".join(
        f'<div class="skw-row{" skw-at" if texts.log_first + place == page.log.at else ""}">{_line(line)}\n</div>'
        for place, line in enumerate(texts.log)
    )
    return (
        f'<div class="skw-log"><div class="skw-log-tools"><span class="skw-path">{html_text(title)}</span></div>{why}'
        f'<div class="skw-lines">{rows}</div></div>'
    )


def _line(line: StyledLine) -> str:
    if isinstance(line, str):
        return html_text(line)
    return "".join(f'<span class="{html_text(classes)}">{html_text(text)}</span>' for text, classes in line)
