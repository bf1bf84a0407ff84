"""What an exercise shows in a notebook, as HTML: the task, the hints that were read, and what the last check saw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from speedkit.messages import message, plural
from speedkit.rendering import NOT_MATH, html_text

from .checking import Verdict

__all__ = ["ExerciseFacts", "diff_html", "hints_html", "notice_html", "running_html", "task_html", "twin_html", "verdict_html"]

STYLE = """<style>
.sk-ex{font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:14px;line-height:1.5;color:var(--jp-ui-font-color1,#1f2328)}
.sk-ex-head{font-weight:600;font-size:16px}
.sk-ex code,.sk-ex pre{font-family:var(--jp-code-font-family,monospace);font-size:13px}
.sk-ex code{background:var(--jp-layout-color2,#eee);padding:0 3px;border-radius:3px}
.sk-ex pre{background:var(--jp-layout-color2,#eee);padding:8px;overflow-x:auto;line-height:1.4;max-height:24em}
.sk-ex ol,.sk-ex ul{margin:4px 0;padding-left:24px}
.sk-ex ul.sk-ex-seen{list-style:none;padding-left:0}
.sk-ex .sk-ex-dim{color:var(--jp-ui-font-color2,#59636e);overflow-wrap:anywhere}
.sk-ex-answer{border-left:4px solid var(--jp-layout-color3,#bbb);padding-left:12px;margin:4px 0}
.sk-ex-passed{border-left-color:var(--jp-success-color1,#2e7d32)}
.sk-ex-refused{border-left-color:var(--jp-warn-color1,#e65100)}
</style>"""
CODE = re.compile(r"`([^`]*)`")


@dataclass(frozen=True, slots=True)
class ExerciseFacts:
    """What is shown of an exercise. folder: of the working copy. state: the progress in a word or two."""

    name: str
    title: str
    text: str
    minutes: int
    folder: str
    state: str


def task_html(facts: ExerciseFacts) -> str:
    """The task, with its title and the folder to work in."""
    minutes = plural("{count} minute", "{count} minutes", facts.minutes)
    where = message("Your files: {folder}", folder=facts.folder)
    return (
        f'{STYLE}<div class="sk-ex {NOT_MATH}"><div class="sk-ex-head">{html_text(facts.title)}</div>'
        f'<div class="sk-ex-dim">{html_text(facts.name)} · {html_text(minutes)} · {html_text(facts.state)}</div>'
        f'<div>{_with_code(facts.text)}</div><div class="sk-ex-dim">{html_text(where)}</div></div>'
    )


def hints_html(hints: Sequence[str]) -> str:
    """The hints that were read, as a list; "" for none."""
    if not hints:
        return ""
    rows = "".join(f"<li>{_with_code(hint)}</li>" for hint in hints)
    return f'<div class="sk-ex {NOT_MATH}">{html_text(message("Hints"))}<ol>{rows}</ol></div>'


def running_html(doing: str) -> str:
    """The sign of life of a check that runs. doing: what it does at this moment."""
    label = html_text(message("The check is running"))
    return f'<div class="sk-ex {NOT_MATH}" role="status"><progress aria-label="{label}"></progress> {_with_code(doing)}</div>'


def verdict_html(verdict: Verdict) -> str:
    """What a check saw: each claim that it looked at, with its mark."""
    title = message("Passed") if verdict.passed else message("Not yet")
    look = "sk-ex-passed" if verdict.passed else "sk-ex-refused"
    rows = "".join(f"<li>{'✓' if finding.ok else '✗'} {_with_code(finding.sentence)}</li>" for finding in verdict.findings)
    note = f'<div class="sk-ex-dim">{html_text(verdict.stand_ins)}</div>' if verdict.stand_ins else ""
    return (
        f'{STYLE}<div class="sk-ex sk-ex-answer {look} {NOT_MATH}" role="status"><b>{html_text(title)}</b>'
        f'<ul class="sk-ex-seen">{rows}</ul>{note}</div>'
    )


def notice_html(text: str) -> str:
    """A sentence in the place of a verdict: an error, or what a button did."""
    return f'<div class="sk-ex sk-ex-answer {NOT_MATH}" role="status">{_with_code(text)}</div>'


def diff_html(diff: str) -> str:
    """The solution, as a difference to the first files."""
    return f'<div class="sk-ex {NOT_MATH}">{html_text(message("Solution"))}<pre tabindex="0">{html_text(diff)}</pre></div>'


def twin_html(facts: ExerciseFacts, hints: Sequence[str]) -> str:
    """The exercise without buttons, for pages without a kernel."""
    how = message('`sk.exercise("{name}")` in a notebook shows the exercise with its buttons.', name=facts.name)
    return f"{task_html(facts)}{hints_html(hints)}{notice_html(how)}"


def _with_code(text: str) -> str:
    """Text with what stands in backticks as code."""
    return CODE.sub(r"<code>\1</code>", html_text(text))
