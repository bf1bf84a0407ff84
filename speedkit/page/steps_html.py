"""A list of steps as HTML, for the live page and for the saved notebook alike.

The live page gets buttons, with what a press does in `data-choose`, and times that its own clock goes on with in `data-since`;
a saved notebook gets the same rows without either. Everything that came from outside is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from speedkit.messages import message, plural
from speedkit.rendering import html_text
from speedkit.words import FORECASTS, STATES, seconds_text

from .steps import StageRows, StepList, StepRow

__all__ = ["TONES", "forecast_is_news", "pressable", "steps_html"]

Entry = Mapping[str, Any]

TONES = {"hit": "skw-hit", "miss": "skw-run", "depends": "skw-depends"}
"""The class of each verdict's own colour."""
TAKES_TIME = frozenset({"ran", "running", "failed", "cancelled"})


def steps_html(
    steps: StepList, forecast: Sequence[Entry], *, is_live: bool, pressed: str | None = None, shows_internal: bool = False
) -> str:
    """The heading of a build and its steps by stage.

    forecast: what the next build would do, an entry per line. pressed: the id of the step whose log is shown.
    shows_internal: BuildKit's own steps are listed, too.
    """
    entries = {entry["line"]: entry for entry in forecast} if forecast_is_news(steps, forecast) else {}
    row_of = _Rows(steps, entries, pressed, is_live)
    pressed_row = steps.row(pressed)
    parts = []
    if steps.error and not (is_live and pressed_row is not None and pressed_row.error):
        parts.append(f'<p class="skw-hint skw-bad">✗ {html_text(steps.error)}</p>')
    parts += [row_of.stage(stage) for stage in steps.stages]
    if is_live and not steps.stages and not steps.error:
        parts.append(f'<p class="skw-hint">{html_text(steps.hint)}</p>')
    if steps.internal:
        parts.append(_internal(steps.internal, row_of, shows_internal=shows_internal))
    return f'{_heading(steps, is_live=is_live)}<div class="skw-list">{"".join(parts)}</div>'


def forecast_is_news(steps: StepList, forecast: Sequence[Entry]) -> bool:
    """A forecast stands beside a finished build only when something would run again: else each step says why it was so."""
    return steps.is_current and (not steps.number or any(entry["forecast"] != "hit" for entry in forecast))


def pressable(
    classes: str, inner: str, *, choose: Mapping[str, object], is_live: bool, is_pressed: bool, label: str = "", title: str = ""
) -> str:
    """A row that can be pressed on the live page, and is only marked in a saved notebook.

    choose: what a press chooses, as `selection.Selection` takes it. label: what a screen reader says of it.
    """
    if not is_live:
        return f'<div class="{classes}{" skw-twin-shown" if is_pressed else ""}">{inner}</div>'
    attributes = {"aria-label": label, "title": title, "data-choose": json.dumps(choose)}
    written = "".join(f' {name}="{html_text(value)}"' for name, value in attributes.items() if value)
    return f'<button type="button" class="{classes}" aria-pressed="{str(is_pressed).lower()}"{written}>{inner}</button>'


def _heading(steps: StepList, *, is_live: bool) -> str:
    parts = [f"<b>{html_text(steps.title)}</b>"]
    if steps.number or steps.outcome == "running":
        parts.append(f'<span class="skw-number">{_outcome(steps, is_live=is_live)}</span>')
    if steps.number:
        cached, ran = message("{count} cached", count=steps.cached), message("{count} ran", count=steps.ran)
        parts.append(
            f'<span class="skw-counts"><span class="skw-hit">✓ {html_text(cached)}</span> '
            f'<span class="skw-run">↻ {html_text(ran)}</span></span>'
        )
    if steps.stand_ins:
        why = message("No registry answered: what is on this machine took the place of an image.")
        parts.append(f'<span class="skw-tag" title="{html_text(why)}">{html_text(steps.stand_ins)}</span>')
    parts += [f'<span class="skw-tag">{html_text(message("from cold"))}</span>'] if steps.is_cold else []
    parts += [f'<span class="skw-tag">{html_text(steps.agreement)}</span>'] if steps.agreement else []
    return f'<div class="skw-heading">{"".join(parts)}</div>'


def _outcome(steps: StepList, *, is_live: bool) -> str:
    took = seconds_text(steps.seconds)
    match steps.outcome:
        case "done":
            return html_text(took)
        case "running" if is_live:
            about = f" {html_text(message('of {time}', time=steps.about))}" if steps.about else ""
            return f'<b class="skw-run"{_since(steps.started_ms)}></b>{about}'
        case "running":
            return html_text(message("still running when this was saved"))
        case "cancelled":
            return html_text(message("■ cancelled after {seconds}", seconds=took))
        case _:
            return f'<span class="skw-bad">{html_text(message("✗ failed after {seconds}", seconds=took))}</span>'


def _since(started_ms: float | None) -> str:
    """The attribute by which the page's own clock writes how long something has run."""
    return "" if started_ms is None else f' data-since="{started_ms:.0f}"'


def _internal(steps: Sequence[StepRow], row_of: _Rows, *, shows_internal: bool) -> str:
    title = html_text(
        plural(
            "BuildKit's own work: {count:,} step, {seconds}",
            "BuildKit's own work: {count:,} steps, {seconds}",
            len(steps),
            seconds=seconds_text(sum(step.seconds for step in steps)),
        )
    )
    if not row_of.is_live:
        return f"<h4>{title}</h4>"
    choose = html_text(json.dumps({"internal": not shows_internal}))
    button = (
        f'<h4><button type="button" class="skw-plain" aria-expanded="{str(shows_internal).lower()}" data-choose="{choose}">'
        f"{'▾' if shows_internal else '▸'} {title}</button></h4>"
    )
    if not shows_internal:
        return button
    rows = "".join(row_of.row(step) for step in steps)
    return f'{button}<ul aria-label="{html_text(message("Steps of BuildKit itself"))}">{rows}</ul>'


class _Rows:
    """Makes the rows of one list. entries: what the forecast says of each line; none where it is no news."""

    def __init__(self, steps: StepList, entries: Mapping[int, Entry], pressed: str | None, is_live: bool) -> None:
        self._steps, self._entries, self._pressed = steps, entries, pressed
        self.is_live = is_live

    def stage(self, stage: StageRows) -> str:
        label = html_text(message("Steps of {stage}", stage=stage.title))
        return f'<h4>{html_text(stage.title)}</h4><ul aria-label="{label}">{"".join(map(self.row, stage.steps))}</ul>'

    def row(self, step: StepRow) -> str:
        text = html_text(step.text)
        since = _since(step.started_ms) if self.is_live else ""
        inner = (
            f'<span class="skw-icon" aria-hidden="true">{STATES[step.state].icon}</span>'
            f'<span class="skw-line">{step.line or ""}</span><code title="{text}">{text}</code>'
            f'{self._note(step)}{self._track(step)}<span class="skw-took"{since}>{html_text(_took(step))}</span>'
        )
        row = pressable(
            f"skw-step skw-{step.state}",
            inner,
            choose={"step": step.id},
            is_live=self.is_live,
            is_pressed=self.is_live and step.id == self._pressed,
            label=_label(step),
            title=step.text,
        )
        # Pressed twice, a step shows its line in the editor.
        line = f' data-line="{step.line}"' if self.is_live and step.line is not None else ""
        return f"<li{line}>{row}</li>"

    def _note(self, step: StepRow) -> str:
        entry = self._entries.get(step.line or 0)
        if entry is None or entry["forecast"] not in FORECASTS:
            return f'<span class="skw-note" title="{html_text(step.why)}">{html_text(step.note)}</span>'
        shown = FORECASTS[entry["forecast"]]
        text = f"{shown.icon} {entry.get('note') or shown.word}"
        if self._steps.number:
            text = message("next: {forecast}", forecast=text)
        because = html_text(entry.get("because", ""))
        return f'<span class="skw-note {TONES[entry["forecast"]]}" title="{because}">{html_text(text)}</span>'

    def _track(self, step: StepRow) -> str:
        """Where in the build the step's time lies; cached steps take none. While a build runs, its page places them."""
        if step.began_seconds is None or step.state not in TAKES_TIME:
            return '<span class="skw-track" aria-hidden="true"></span>'
        total = self._steps.seconds
        if total > 0:
            left = min(98.0, 100 * step.began_seconds / total)
            width = max(2.0, min(100 - left, 100 * step.seconds / total))
            place = f' style="left:{left:.1f}%;width:{width:.1f}%"'
        elif self.is_live:
            place = f' data-began="{step.began_seconds}" data-took="{step.seconds}"{_since(step.started_ms)}'
        else:
            return '<span class="skw-track" aria-hidden="true"></span>'
        return f'<span class="skw-track" aria-hidden="true"><i{place}></i></span>'


def _took(step: StepRow) -> str:
    shown = STATES[step.state]
    if not shown.timed or step.state == "running":
        return shown.word
    took = seconds_text(step.seconds)
    return message("failed, {seconds}", seconds=took) if step.state == "failed" else took


def _label(step: StepRow) -> str:
    """What a screen reader says of a step."""
    time = seconds_text(step.seconds) if step.state in ("ran", "failed") else ""
    state = ", ".join(part for part in (STATES[step.state].word, time, step.note) if part)
    if step.line is None:
        return message("{step}: {state}", step=step.text, state=state)
    return message("line {line}, {step}: {state}", line=step.line, step=step.text, state=state)
