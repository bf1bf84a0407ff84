"""Reasons, a row per instruction: cached or run, as a shape, a word and a colour, and because of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speedkit.model import StepSource
from speedkit.rendering.amounts import seconds_text
from speedkit.rendering.html_text import html_text
from speedkit.rendering.mathjax import NOT_MATH
from speedkit.rendering.steps_html import SHAPES, STYLE, WORDS

__all__ = ["Reason", "reasons_html", "state_in_words"]

VERDICTS = {"hit": ("✓", "cached", "cached"), "miss": ("↻", "runs", "ran"), "depends": ("◇", "depends", "running")}


@dataclass(frozen=True, slots=True)
class Reason:
    """What became, or will become, of one instruction.

    because: a sentence; kind and what: the same for programs. seconds: how long it ran; 0 before the build.
    sources: what it takes from earlier lines. origins: the lines in which the miss began that made it run.
    """

    line: int
    stage: str
    instruction: str
    state: str
    kind: str
    what: tuple[str, ...]
    because: str
    seconds: float = 0.0
    sources: tuple[StepSource, ...] = ()
    origins: tuple[int, ...] = ()


def reasons_html(title: str, reasons: Sequence[Reason]) -> str:
    """All reasons as HTML, those of instructions with nothing to run left out."""
    rows = "".join(_row(reason) for reason in reasons if reason.state not in ("no-step", "not-needed"))
    return f'{STYLE}<div class="sk-build {NOT_MATH}"><div class="sk-head">{html_text(title)}</div>{rows}</div>'


def state_in_words(state: str) -> str:
    """What became, or will become, of a step: a forecast in the same words as a build."""
    return VERDICTS[state][1] if state in VERDICTS else dict(WORDS).get(state, state)  # type: ignore[call-overload]


def _row(reason: Reason) -> str:
    shape, word, look = VERDICTS.get(reason.state) or _seen(reason)
    text = html_text(reason.instruction)
    return (
        f'<div class="sk-row {look}"><span class="sk-i">{shape}</span><span class="sk-n">{reason.line}</span>'
        f'<code title="{text}">{text}</code><span class="sk-t">{html_text(word)}</span></div>'
        f'<div class="sk-why">{html_text(reason.because)}</div>'
    )


def _seen(reason: Reason) -> tuple[str, str, str]:
    """The shape, the words and the look of a step's state."""
    known = next(name for name in SHAPES if name == reason.state)
    ran = f"{known}, {seconds_text(reason.seconds)}"
    return SHAPES[known], WORDS.get(known, ran), known
