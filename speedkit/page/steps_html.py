"""A list of steps as HTML, for the live page and for the saved notebook.

The live page gets buttons: `data-choose` has the selection that a press makes, as JSON. From `data-since` on, the page counts
seconds by its own clock. A saved notebook gets the same rows without both. Foreign text is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from speedkit.control_characters import visible_json
from speedkit.messages import facts_in_one, message, plural
from speedkit.rendering import html_attributes, html_text
from speedkit.words import FORECASTS, STATES, seconds_text

from .steps import StageRows, StepList, StepRow

__all__ = ["TONES", "attribute_json", "pressable", "shows_forecast", "steps_html"]

Entry = Mapping[str, Any]

TONES = {"hit": "skw-hit", "miss": "skw-run", "depends": "skw-depends"}
"""The class with the colour of each forecast."""
TAKES_TIME = frozenset({"ran", "running", "failed", "cancelled"})


def steps_html(
    steps: StepList, forecast: Sequence[Entry], *, is_live: bool, pressed: str | None = None, shows_internal: bool = False
) -> str:
    """The heading of a build and its steps by stage.

    forecast: of the next build, an entry per line. pressed: the id of the step whose log is shown.
    shows_internal: BuildKit's own steps are shown, too.
    """
    entries = {entry["line"]: entry for entry in forecast} if shows_forecast(steps, forecast) else {}
    rows = _Rows(steps, entries, pressed, is_live)
    pressed_row = steps.row(pressed)
    hint = ""
    # The live page shows the error of the pressed step beside its log.
    if steps.error and not (is_live and pressed_row is not None and pressed_row.error):
        hint = f'<p class="skw-hint skw-bad">✗ {html_text(steps.error)}</p>'
    elif is_live and not steps.stages and not steps.error:
        hint = f'<p class="skw-hint">{html_text(steps.hint)}</p>'
    # What comes and goes has a place of its own: else the page would make all rows behind it anew, and lose the focus in them.
    parts = [f"<div>{hint}</div>", *(rows.stage(stage) for stage in steps.stages)]
    if steps.internal:
        parts.append(_internal(steps.internal, rows, shows_internal=shows_internal))
    return f'{_heading(steps, is_live=is_live)}<div class="skw-list">{"".join(parts)}</div>'


def shows_forecast(steps: StepList, forecast: Sequence[Entry]) -> bool:
    """Whether the forecast stands beside the steps. Beside a finished build it does only when a step would run again.

    Otherwise each step shows its own cause there.
    """
    return steps.is_current and (not steps.number or any(entry["forecast"] in ("miss", "depends") for entry in forecast))


def pressable(
    classes: str, inner: str, *, choose: Mapping[str, object], is_live: bool, is_pressed: bool, label: str = "", title: str = ""
) -> str:
    """A row that is a button on the live page. In a saved notebook it is only marked when it is pressed.

    choose: the selection that a press makes, in keys of `Selection` or `LayerSelection`. label: for screen readers.
    """
    if not is_live:
        return f'<div class="{classes}{" skw-twin-shown" if is_pressed else ""}">{inner}</div>'
    attributes = {
        "type": "button",
        "class": classes,
        "aria-pressed": str(is_pressed).lower(),
        "aria-label": label,
        "title": title,
        "data-choose": attribute_json(choose),
    }
    return f"<button{html_attributes(attributes)}>{inner}</button>"


def attribute_json(value: object) -> str:
    """A value for the page's script, in an attribute: ASCII alone, so that no character of it is shown as an escape."""
    return visible_json(json.dumps(value))


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
        why = message("No registry answered: a stand-in from this machine took the place of an image.")
        parts.append(f'<span class="skw-tag" title="{html_text(why)}">{html_text(steps.stand_ins)}</span>')
    parts += [f'<span class="skw-tag">{html_text(message("from cold"))}</span>'] if steps.is_cold else []
    parts += [f'<span class="skw-tag">{html_text(steps.agreement)}</span>'] if steps.agreement else []
    return f'<div class="skw-heading">{"".join(parts)}</div>'


def _outcome(steps: StepList, *, is_live: bool) -> str:
    seconds = seconds_text(steps.seconds)
    match steps.outcome:
        case "done":
            return html_text(seconds)
        case "running" if is_live:
            of_expected = f" {html_text(message('of {time}', time=steps.expected_time))}" if steps.expected_time else ""
            return f'<b class="skw-run"{_since(steps.started_ms)}></b>{of_expected}'
        case "running":
            return html_text(message("still running when this was saved"))
        case "cancelled":
            return html_text(message("■ cancelled after {seconds}", seconds=seconds))
        case _:
            return f'<span class="skw-bad">{html_text(message("✗ failed after {seconds}", seconds=seconds))}</span>'


def _since(started_ms: float | None) -> str:
    """The attribute with a start; the page writes the seconds since then into the element."""
    return "" if started_ms is None else f' data-since="{started_ms:.0f}"'


def _internal(steps: Sequence[StepRow], rows: _Rows, *, shows_internal: bool) -> str:
    title = html_text(
        plural(
            "BuildKit's own work: {count:,} step, {seconds}",
            "BuildKit's own work: {count:,} steps, {seconds}",
            len(steps),
            seconds=seconds_text(sum(step.seconds for step in steps)),
        )
    )
    if not rows.is_live:
        return f"<h4>{title}</h4>"
    choose = html_text(attribute_json({"internal": not shows_internal}))
    button = (
        f'<h4><button type="button" class="skw-plain" aria-expanded="{str(shows_internal).lower()}" data-choose="{choose}">'
        f"{'▾' if shows_internal else '▸'} {title}</button></h4>"
    )
    if not shows_internal:
        return button
    items = "".join(rows.row(step) for step in steps)
    return f'{button}<ul aria-label="{html_text(message("Steps of BuildKit itself"))}">{items}</ul>'


class _Rows:
    """Makes the rows of one list. entries: the forecast by line, {} when it is not shown."""

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
            f'{self._note(step)}{self._track(step)}<span class="skw-took"{since}>{html_text(_seconds_or_state(step))}</span>'
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
        # A double press shows the line in the editor.
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
        """The time of the step as a part of the build's time. While the build runs, the page computes the place."""
        if step.began_seconds is None or step.state not in TAKES_TIME:
            return '<span class="skw-track" aria-hidden="true"></span>'
        total = self._steps.seconds
        if total > 0:
            # At least 2 % wide, and within the track: a short step at the very end must be visible, too.
            left = min(98.0, 100 * step.began_seconds / total)
            width = max(2.0, min(100 - left, 100 * step.seconds / total))
            place = f' style="left:{left:.1f}%;width:{width:.1f}%"'
        elif self.is_live:
            place = f' data-began="{step.began_seconds}" data-took="{step.seconds}"{_since(step.started_ms)}'
        else:
            return '<span class="skw-track" aria-hidden="true"></span>'
        return f'<span class="skw-track" aria-hidden="true"><i{place}></i></span>'


def _seconds_or_state(step: StepRow) -> str:
    shown = STATES[step.state]
    if not shown.timed or step.state == "running":
        return shown.word
    seconds = seconds_text(step.seconds)
    return message("failed, {seconds}", seconds=seconds) if step.state == "failed" else seconds


def _label(step: StepRow) -> str:
    """A step for screen readers."""
    time = seconds_text(step.seconds) if step.state in ("ran", "failed") else ""
    state = facts_in_one(part for part in (STATES[step.state].word, time, step.note) if part)
    if step.line is None:
        return message("{step}: {state}", step=step.text, state=state)
    return message("line {line}, {step}: {state}", line=step.line, step=step.text, state=state)
