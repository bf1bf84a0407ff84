"""The builds of a workbench as HTML, and the comparison of two: for the live page and for the saved notebook.

On the live page a reader selects a build, and the two builds to compare. `steps_html` explains the attribute `data-choose`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speedkit.messages import message, plural, sentences
from speedkit.model import Outcome
from speedkit.rendering import Cell, html_text, table_html
from speedkit.words import STATES, seconds_text

from .comparison import BuildComparison, ComparedState, ComparedStep
from .steps_html import attribute_json, pressable

__all__ = ["BarPart", "BuildRow", "builds_html", "comparison_html"]


@dataclass(frozen=True, slots=True)
class BarPart:
    """A step that ran, as a part of the bar of its build. left, width: in percent of the build's time."""

    left: float
    width: float
    label: str
    is_failed: bool


@dataclass(frozen=True, slots=True)
class BuildRow:
    """One build in the list of builds. parts: the steps that took much of its time. is_comparable: it has steps."""

    number: int
    label: str
    outcome: Outcome
    seconds: float
    cached: int = 0
    ran: int = 0
    parts: tuple[BarPart, ...] = ()
    is_comparable: bool = False


def builds_html(builds: Sequence[BuildRow], rebuilding: str, *, shown: int, is_live: bool) -> str:
    """The builds, oldest first. rebuilding: a sentence about the last rebuilds. shown: the build whose steps are shown."""
    longest = max((build.seconds for build in builds), default=0.0) or 1.0
    rows = "".join(f"<li>{_build(build, longest, is_shown=build.number == shown, is_live=is_live)}</li>" for build in builds)
    rebuilding_html = f'<p class="skw-finding">{html_text(rebuilding)}</p>' if rebuilding else ""
    none_yet = message("None yet. Press Build, change a line, press Build again.") if is_live else message("None yet.")
    hint = "" if builds else f'<p class="skw-hint">{html_text(none_yet)}</p>'
    return (
        f'<div class="skw-history"><h4>{html_text(message("Builds in this notebook"))}</h4><div>{rebuilding_html}{hint}</div>'
        f'<ol aria-label="{html_text(message("Builds, oldest first"))}">{rows}</ol></div>'
    )


def _build(build: BuildRow, longest: float, *, is_shown: bool, is_live: bool) -> str:
    counts = ""
    if build.outcome == "done":
        counts = f'<span class="skw-hit">✓ {build.cached}</span> <span class="skw-run">↻ {build.ran}</span>'
    inner = (
        f'<span class="skw-build-name"><span class="skw-number">{build.number}</span> {html_text(build.label)}</span>'
        f'<span class="skw-tally" aria-hidden="true">{counts}</span>{_bar(build, longest)}'
        f'<span class="skw-took">{html_text(_seconds_or_state(build))}</span>'
    )
    title = _title(build)
    return pressable(
        "skw-build",
        inner,
        choose={"shown": build.number, "step": None},
        is_live=is_live,
        is_pressed=is_shown,
        label=message("{build}. {cached} cached, {ran} ran.", build=title, cached=build.cached, ran=build.ran),
        title=title,
    )


def _title(build: BuildRow) -> str:
    """The name of a build in its tooltip and for screen readers."""
    parts = {"number": build.number, "label": build.label, "seconds": seconds_text(build.seconds)}
    match build.outcome:
        case "done":
            return message("Build {number}, {label}: {seconds}", **parts)
        case "running":
            return message("Build {number}, {label}: running", **parts)
        case "failed":
            return message("Build {number}, {label}: failed after {seconds}", **parts)
        case "cancelled":
            return message("Build {number}, {label}: cancelled after {seconds}", **parts)
        case _:
            return message("Build {number}, {label}: broken after {seconds}", **parts)


def _seconds_or_state(build: BuildRow) -> str:
    match build.outcome:
        case "running":
            return message("running")
        case "done":
            return seconds_text(build.seconds)
        case "cancelled":
            return message("■ cancelled")
        case _:
            return message("✗ failed")


def _bar(build: BuildRow, longest: float) -> str:
    """The time of a build as a bar. The steps that ran are hatched parts of it, from their start to their end."""
    if build.outcome == "running":
        return '<span class="skw-bars" aria-hidden="true"></span>'
    tone = "bad" if build.outcome != "done" else "rest" if build.ran else "hit"
    parts = "".join(
        f'<i class="skw-bar-{"bad" if part.is_failed else "run"}" style="left:{part.left}%;width:{part.width}%">'
        f"<span>{html_text(part.label)}</span></i>"
        for part in build.parts
    )
    # At least 0.6 % wide: a build of a tenth of a second beside one of a minute must not vanish.
    width = max(0.6, 100 * build.seconds / longest)
    whole = f'<span class="skw-whole skw-bar-{tone}" style="width:{width:.1f}%">{parts}</span>'
    return f'<span class="skw-bars" aria-hidden="true">{whole}</span>'


def comparison_html(
    comparison: BuildComparison | None, builds: Sequence[BuildRow], *, is_live: bool, shows_all: bool = False
) -> str:
    """Two builds side by side. comparison: None before there are two builds.

    builds: those that the live page offers for comparison. shows_all: steps without a change have a row, too.
    """
    if comparison is None:
        title, hint = message("Before and after"), message("After two builds this says what changed between them.")
        return f'<div class="skw-compare"><h4>{html_text(title)}</h4><p class="skw-hint">{html_text(hint)}</p></div>'
    why = "".join(
        f'<p class="skw-because skw-because-{explained.tone}"><b class="skw-{explained.tone}">{html_text(explained.step)}</b> '
        f"{html_text(explained.sentence)}</p>"
        for explained in comparison.why
    )
    changed_rows = [row for row in comparison.rows if row.change]
    rows = comparison.rows if shows_all else changed_rows
    show_all_button = ""
    if is_live and len(changed_rows) < len(comparison.rows):
        words = (
            message("▾ Show only what changed")
            if shows_all
            else plural("▸ Show {count} step", "▸ Show all {count} steps", len(comparison.rows))
        )
        choose = html_text(attribute_json({"all": not shows_all}))
        show_all_button = (
            f'<button type="button" class="skw-plain" aria-expanded="{str(shows_all).lower()}" data-choose="{choose}">'
            f"{html_text(words)}</button>"
        )
    return (
        f'<div class="skw-compare">{_compared_builds(comparison, builds, is_live=is_live)}'
        f'<p class="skw-finding">{html_text(comparison.finding)}</p><div>{why}</div>'
        f'<p class="skw-dim">{html_text(sentences(comparison.facts))}</p>'
        f"<div>{_table(comparison, rows) if rows else ''}</div>{show_all_button}</div>"
    )


def _compared_builds(comparison: BuildComparison, builds: Sequence[BuildRow], *, is_live: bool) -> str:
    """The two compared builds; on the live page with a list of finished builds to select each from."""
    if not is_live:
        title = message("Before and after: build {before} → build {after}", before=comparison.before, after=comparison.after)
        return f"<h4>{html_text(title)}</h4>"
    comparable = [build for build in builds if build.is_comparable]
    before = _picker("before", message("Before"), comparable, comparison.before)
    after = _picker("after", message("After"), comparable, comparison.after)
    title = html_text(message("Compare"))
    return f'<div class="skw-pair"><h4>{title}</h4>{before}<span aria-hidden="true">→</span>{after}</div>'


def _table(comparison: BuildComparison, rows: Sequence[ComparedStep]) -> str:
    builds = (message("Build {number}", number=number) for number in (comparison.before, comparison.after))
    heads = [Cell(text) for text in (message("Step"), *builds, message("Change"))]
    cells = [
        [
            Cell(row.text, tip=f"{row.stage}: {row.text}", is_code=True),
            Cell(_state(row.before)),
            Cell(_state(row.after)),
            Cell(row.change),
        ]
        for row in rows
    ]
    return table_html(heads, cells, row_looks=[f"skw-row-{row.tone}" if row.tone else "" for row in rows])


def _picker(side: str, label: str, builds: Sequence[BuildRow], selected: int) -> str:
    options = "".join(
        f'<option value="{build.number}"{" selected" if build.number == selected else ""}>'
        f"{build.number} {html_text(build.label)}</option>"
        for build in builds
    )
    return f'<select aria-label="{html_text(label)}" data-choose-number="{side}">{options}</select>'


def _state(side: ComparedState | None) -> str:
    if side is None:
        return message("not there")
    shown = STATES[side.state]
    return f"{shown.icon} {seconds_text(side.seconds) if shown.timed else shown.word}".strip()
