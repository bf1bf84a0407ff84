"""Why the steps of a build were or would be cached: a row per instruction, its state as an icon, a word and a colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedkit.messages import message
from speedkit.words import FORECASTS, seconds_text, shown_state

from .html_text import html_text
from .mathjax import NOT_MATH
from .step_rows import STYLE, step_row

if TYPE_CHECKING:
    from speedkit.causes import Addition, Cause
    from speedkit.model import StepSource

__all__ = ["Reason", "reasons_html"]

LOOKS = {"hit": "cached", "miss": "ran", "depends": "running"}
"""The look of a forecast is that of a step which became so."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What became, or will become, of one instruction, and why.

    state: as in `Step`, or the forecast. also: what else there is to say besides the cause. seconds: how long it ran; 0
    before the build. sources: what it takes from earlier lines. origins: the lines in which the miss began that made it run.
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
        """The cause as a sentence, of the future for a forecast and of the past for a build."""
        # Loading every cause takes 60 ms, which `speedkit layers` saves: it shows images with this room, and no causes.
        from speedkit.words.causes import cause_sentences

        return cause_sentences(self.cause, self.also, "will" if self.state in FORECASTS else "did")


def reasons_html(title: str, reasons: Sequence[Reason]) -> str:
    """All reasons as HTML, those of instructions with nothing to run left out."""
    rows = "".join(_row(reason) for reason in reasons if reason.state not in ("no-step", "not-needed"))
    return f'{STYLE}<div class="sk-build {NOT_MATH}"><div class="sk-head">{html_text(title)}</div>{rows}</div>'


def _row(reason: Reason) -> str:
    shown = shown_state(reason.state)
    word = shown.word
    if shown.timed:
        word = message("{state}, {seconds}", state=shown.word, seconds=seconds_text(reason.seconds))
    row = step_row(LOOKS.get(reason.state, reason.state), shown.icon, reason.line, reason.instruction, word)
    return f'{row}<div class="sk-why">{html_text(reason.because)}</div>'
