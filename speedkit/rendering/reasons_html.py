"""Why the steps of a build ran or were cached, or will be: a row for each instruction, with its state and its cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedkit.messages import message, plural
from speedkit.words import FORECASTS, seconds_text, shown_state

from .html_text import html_text
from .mathjax import NOT_MATH
from .step_rows import STYLE, step_row

if TYPE_CHECKING:
    from speedkit.causes import Addition, Cause
    from speedkit.dockerfile import Finding
    from speedkit.model import StepSource

__all__ = ["Reason", "reasons_html", "warnings_html"]

LOOKS = {"hit": "cached", "miss": "ran", "depends": "running"}
"""A forecast looks like a step with that result."""


@dataclass(frozen=True, slots=True)
class Reason:
    """The state of one instruction after a build, or its forecast, and the cause.

    state: as in `Step`, or "hit", "miss", "depends". also: facts besides the cause. seconds: how long it ran; 0 before
    the build. sources: the earlier lines whose results it uses. origins: the lines of the cache misses that made it run.
    """

    line: int
    stage: str
    instruction: str
    state: str
    cause: Cause
    also: tuple[Addition, ...] = ()
    seconds: float = 0.0
    sources: tuple[StepSource, ...] = ()
    origins: tuple[int, ...] = ()

    @property
    def because(self) -> str:
        """The cause as a sentence: in the future tense for a forecast, in the past tense for a build."""
        # Loading all causes takes 60 ms. `speedkit layers` uses this room for images, needs no causes, and saves that time.
        from speedkit.words.causes import cause_sentences

        return cause_sentences(self.cause, self.also, "will" if self.state in FORECASTS else "did")


def reasons_html(title: str, reasons: Sequence[Reason]) -> str:
    """All reasons as HTML, without instructions that have no step or are not needed."""
    rows = ""
    for reason in reasons:
        if reason.state in ("no-step", "not-needed"):
            continue
        shown = shown_state(reason.state)
        word = shown.word
        if shown.timed:
            word = message("{state}, {seconds}", state=shown.word, seconds=seconds_text(reason.seconds))
        rows += step_row(LOOKS.get(reason.state, reason.state), shown.icon, reason.line, reason.instruction, word)
        rows += f'<div class="sk-why">{html_text(reason.because)}</div>'
    return f'{STYLE}<div class="sk-build {NOT_MATH}"><div class="sk-head">{html_text(title)}</div>{rows}</div>'


def warnings_html(findings: Sequence[Finding]) -> str:
    """The findings of BuildKit's linter as HTML, a row each; "" for none."""
    if not findings:
        return ""
    rows = "".join(
        f'{step_row("running", "⚠", finding.line, finding.rule, "")}<div class="sk-why">{html_text(finding.sentence)}</div>'
        for finding in findings
    )
    title = plural("BuildKit's linter has one warning.", "BuildKit's linter has {count} warnings.", len(findings))
    return f'{STYLE}<div class="sk-build {NOT_MATH}"><div class="sk-head">{html_text(title)}</div>{rows}</div>'
