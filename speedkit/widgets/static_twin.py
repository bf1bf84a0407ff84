"""The workbench as plain HTML: what a saved, exported or recorded notebook shows where no kernel answers.

In: the values of the widget's traits, as the page gets them, and the texts it would ask for. Out: HTML without a
script, with the page's own style sheet and class names. Everything from outside is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speedkit.messages import message, plural
from speedkit.rendering import NOT_MATH, Cell, html_text, table_html
from speedkit.secrets import count_substitutes
from speedkit.words import FORECASTS, STATES, seconds_text, secrets_left_out

if TYPE_CHECKING:
    from .log_lines import Runs

__all__ = ["TwinTexts", "twin_html"]

Shown = dict[str, Any]

TABS = 4
TONES = {"hit": "skw-hit", "miss": "skw-run", "depends": "skw-depends"}
"""The class of each verdict's own colour."""


@dataclass(frozen=True, slots=True)
class TwinTexts:
    """What the traits do not hold: the open file's text, and log lines from the 0-based `log_first` on.

    file: None when it is left out, because such files hold secrets.
    """

    file: str | None
    log: list[Runs]
    log_first: int


def twin_html(traits: Shown, texts: TwinTexts, *, style: str, name: str) -> str:
    """The last state of a workbench. name: by which the live widget finds and hides its twin."""
    steps = traits["steps"]
    title = message("Workbench for {app}", app=traits["app_facts"]["name"])
    return (
        f'<div class="{NOT_MATH}" data-skw-twin="{html_text(name)}"><style>{style}</style>'
        f'<section class="skw skw-twin" aria-label="{html_text(title)}">'
        f"{_bar(traits)}{_notice(traits['notice'])}"
        f'<div class="skw-main">{_editor(traits, texts)}'
        f'<div class="skw-steps">{_heading(steps)}{_steps(steps, traits["forecast"])}{_log(traits, texts)}</div></div>'
        f'<div class="skw-foot">{_history(traits)}{_comparison(traits["comparison"])}</div></section></div>'
    )


def _bar(traits: Shown) -> str:
    strategy = traits["strategy"]
    name = strategy["name"]
    if strategy["is_custom"]:
        name = message("{strategy} (from {base})", strategy=name, base=strategy["base"])
    recorded = message("The last state, saved with the notebook. Run the cell to go on from here.")
    app = html_text(traits["app_facts"]["name"])
    return (
        f'<header class="skw-bar"><div class="skw-bar-row"><b class="skw-app">{app}</b>'
        f'<span class="skw-dim">{html_text(message("Strategy"))}</span> <b>{html_text(name)}</b><span class="skw-grow"></span>'
        f'<span class="skw-tag" title="{html_text(recorded)}">{html_text(message("recorded"))}</span>'
        f'<span class="skw-dim">{html_text(traits["engine"])}</span>{_outlook(traits["outlook"])}'
        "</div></header>"
    )


def _outlook(found: Shown | None) -> str:
    if found is None:
        return ""
    cached = message("{count} cached", count=found["cached"])
    runs = plural("{count} runs", "{count} run", found["run"])
    depends = plural("{count} depends", "{count} depend", found["depends"])
    parts = [
        f'<b class="skw-hit">{FORECASTS["hit"].icon} {html_text(cached)}</b>',
        f'<b class="skw-run">{FORECASTS["miss"].icon} {html_text(runs)}</b>',
    ]
    parts += [f"<b>{FORECASTS['depends'].icon} {html_text(depends)}</b>"] if found["depends"] else []
    parts += [f"<b>{html_text(found['about'])}</b>"] if found["about"] else []
    why = f": {html_text(found['why'])}" if found["why"] else ""
    return f'<span class="skw-if">{html_text(message("If you build now:"))} {", ".join(parts)}{why}</span>'


def _notice(notice: Shown | None) -> str:
    if notice is None:
        return ""
    return (
        f'<div class="skw-notice skw-notice-{html_text(notice["kind"])}"><span class="skw-notice-text">'
        f"<b>{html_text(notice['what'])}</b> {html_text(notice['fix'])}</span></div>"
    )


def _editor(traits: Shown, texts: TwinTexts) -> str:
    opened = next((file for file in traits["files"] if file["path"] == traits["view"]["tab"]), None)
    if opened is None:
        return f'<div class="skw-editor"><div class="skw-empty">{html_text(message("This app has no text files."))}</div></div>'
    tabs = "".join(_tab(file, is_open=file is opened) for file in traits["files"][:TABS])
    if opened["state"] == "refused":
        body = f'<div class="skw-empty">{html_text(opened["reason"])}</div>'
    elif texts.file is None:
        left_out = message("Its text is left out of the saved notebook: files of this name hold secrets.")
        body = f'<div class="skw-empty">{html_text(left_out)}</div>'
    else:
        count = count_substitutes(texts.file)
        left_out = f'<div class="skw-empty">{html_text(secrets_left_out(count))}</div>' if count else ""
        body = f'<div class="skw-code skw-lines">{_code(opened, traits, texts.file)}</div>{left_out}'
    return f'<div class="skw-editor"><div class="skw-tabs">{tabs}</div>{body}</div>'


def _tab(file: Shown, *, is_open: bool) -> str:
    dot = f' <span class="skw-run" title="{html_text(message("changed"))}">●</span>' if file["changed"] else ""
    return f'<span class="skw-twin-tab{" skw-twin-open" if is_open else ""}">{html_text(file["label"])}{dot}</span>'


def _code(opened: Shown, traits: Shown, text: str) -> str:
    marks: dict[int, list[str]] = {}
    for mark in traits["marks"]:
        if mark["path"] == opened["path"]:
            marks.setdefault(mark["line"], []).append(mark["message"])
    forecast = {entry["line"]: entry for entry in traits["forecast"]} if opened["is_dockerfile"] else {}
    return "".join(
        _code_line(number, line, marks.get(number, []), forecast.get(number), gutter=bool(forecast))
        for number, line in enumerate(text.split("\n"), 1)
    )


def _code_line(number: int, line: str, marks: list[str], forecast: Shown | None, *, gutter: bool) -> str:
    guess = f'<span class="skw-twin-guess">{_guess(forecast)}</span>' if gutter else ""
    notes = "".join(f'<div class="skw-mark">✗ {html_text(mark)}</div>' for mark in marks)
    return (
        f'<div class="skw-row{" skw-marked" if marks else ""}">{guess}<span class="skw-twin-number">{number}</span>'
        f"{html_text(line)}\n</div>{notes}"
    )


def _guess(entry: Shown | None) -> str:
    if entry is None or entry["forecast"] not in FORECASTS:
        return ""
    shown, tone = FORECASTS[entry["forecast"]], TONES[entry["forecast"]]
    because, said = html_text(entry.get("because", "")), html_text(entry.get("short") or shown.word)
    return f'<span class="{tone}" title="{because}">{shown.icon} {said}</span>'


def _heading(steps: Shown) -> str:
    parts = [f"<b>{html_text(steps['title'])}</b>"]
    if steps["number"]:
        parts.append(f'<span class="skw-number">{_outcome(steps["outcome"], steps["seconds"])}</span>')
        cached = message("{count} cached", count=steps["counts"]["cached"])
        ran = message("{count} ran", count=steps["counts"]["ran"])
        parts.append(
            f'<span class="skw-counts"><span class="skw-hit">✓ {html_text(cached)}</span> '
            f'<span class="skw-run">↻ {html_text(ran)}</span></span>'
        )
    parts += [f'<span class="skw-tag">{html_text(steps["stand_ins"])}</span>'] if steps["stand_ins"] else []
    parts += [f'<span class="skw-tag">{html_text(message("from cold"))}</span>'] if steps["is_cold"] else []
    parts += [f'<span class="skw-tag">{html_text(steps["agreement"])}</span>'] if steps["agreement"] else []
    return f'<div class="skw-heading">{"".join(parts)}</div>'


def _outcome(outcome: str, seconds: float) -> str:
    took = seconds_text(seconds)
    if outcome == "done":
        return html_text(took)
    if outcome == "running":
        return html_text(message("still running when this was saved"))
    if outcome == "cancelled":
        return html_text(message("■ cancelled after {seconds}", seconds=took))
    return f'<span class="skw-bad">{html_text(message("✗ failed after {seconds}", seconds=took))}</span>'


def _steps(steps: Shown, forecast: list[Shown]) -> str:
    guesses = {entry["line"]: entry for entry in forecast} if _is_news(steps, forecast) else {}
    parts = [f'<p class="skw-hint skw-bad">✗ {html_text(steps["error"])}</p>'] if steps["error"] else []
    is_next = steps["number"] > 0
    for stage in steps["stages"]:
        parts.append(f"<h4>{html_text(stage['title'])}</h4><ul>")
        parts += [_step(step, steps["seconds"], guesses.get(step["line"]), is_next=is_next) for step in stage["steps"]]
        parts.append("</ul>")
    if steps["internal"]:
        total = sum(step["seconds"] for step in steps["internal"])
        own_work = plural(
            "BuildKit's own work: {count:,} step, {seconds}",
            "BuildKit's own work: {count:,} steps, {seconds}",
            len(steps["internal"]),
            seconds=seconds_text(total),
        )
        parts.append(f"<h4>{html_text(own_work)}</h4>")
    return f'<div class="skw-list">{"".join(parts)}</div>'


def _is_news(steps: Shown, forecast: list[Shown]) -> bool:
    """The forecast says more than why each step was as it was."""
    return bool(steps["is_current"]) and (not steps["number"] or any(entry["forecast"] != "hit" for entry in forecast))


def _expected(entry: Shown | None, *, is_next: bool) -> str:
    if entry is None or entry["forecast"] not in FORECASTS:
        return ""
    shown, tone = FORECASTS[entry["forecast"]], TONES[entry["forecast"]]
    said = f"{shown.icon} {entry.get('note') or shown.word}"
    if is_next:
        said = message("next: {forecast}", forecast=said)
    return f'<span class="{tone}" title="{html_text(entry.get("because", ""))}">{html_text(said)}</span>'


def _step(step: Shown, total: float, guess: Shown | None, *, is_next: bool) -> str:
    text = html_text(step["text"])
    note = _expected(guess, is_next=is_next) or html_text(step["note"])
    return (
        f'<li><div class="skw-step skw-{step["state"]}"><span class="skw-icon">{STATES[step["state"]].icon}</span>'
        f'<span class="skw-line">{step["line"] or ""}</span><code title="{text}">{text}</code>'
        f'<span class="skw-note" title="{html_text(step["why"])}">{note}</span>{_track(step, total)}'
        f'<span class="skw-took">{html_text(_took(step))}</span></div></li>'
    )


def _took(step: Shown) -> str:
    shown = STATES[step["state"]]
    if not shown.timed or step["state"] == "running":
        return shown.word
    took = seconds_text(step["seconds"])
    return message("failed, {seconds}", seconds=took) if step["state"] == "failed" else took


def _track(step: Shown, total: float) -> str:
    if step["began"] is None or total <= 0 or step["state"] not in ("ran", "failed", "cancelled"):
        return '<span class="skw-track"></span>'
    left = min(98.0, 100 * step["began"] / total)
    width = max(2.0, min(100 - left, 100 * step["seconds"] / total))
    return f'<span class="skw-track"><i style="left:{left:.1f}%;width:{width:.1f}%"></i></span>'


def _log(traits: Shown, texts: TwinTexts) -> str:
    log = traits["shown_log"]
    steps = [step for stage in traits["steps"]["stages"] for step in stage["steps"]]
    shown = next((step for step in steps if step["id"] == log["step"]), None)
    why = f'<p class="skw-why">{html_text(shown["why"])}</p>' if shown and shown["why"] else ""
    if not texts.log:
        return why and f'<div class="skw-log">{why}</div>'
    title = message(
        "Log of the step, lines {first} to {last} of {total}",
        first=texts.log_first + 1,
        last=texts.log_first + len(texts.log),
        total=log["lines"],
    )
    rows = "".join(
        f'<div class="skw-row{" skw-at" if texts.log_first + place == log["at"] else ""}">{_line(runs)}\n</div>'
        for place, runs in enumerate(texts.log)
    )
    return (
        f'<div class="skw-log"><div class="skw-log-tools"><span class="skw-path">{html_text(title)}</span></div>{why}'
        f'<div class="skw-lines">{rows}</div></div>'
    )


def _line(runs: Runs) -> str:
    if isinstance(runs, str):
        return html_text(runs)
    return "".join(f'<span class="{html_text(classes)}">{html_text(text)}</span>' for text, classes in runs)


def _history(traits: Shown) -> str:
    builds = traits["history"]
    longest = max((build["seconds"] for build in builds), default=0.0) or 1.0
    shown = traits["steps"]["number"]
    rows = "".join(_history_row(build, longest, is_shown=build["number"] == shown) for build in builds)
    finding = f'<p class="skw-finding">{html_text(traits["rebuilding"])}</p>' if traits["rebuilding"] else ""
    none_yet = f'<p class="skw-hint">{html_text(message("None yet."))}</p>'
    body = f"{finding}<ol>{rows}</ol>" if builds else none_yet
    return f'<div class="skw-history"><h4>{html_text(message("Builds in this notebook"))}</h4>{body}</div>'


def _history_row(build: Shown, longest: float, *, is_shown: bool) -> str:
    is_good = build["outcome"] == "done"
    tally = f'<span class="skw-hit">✓ {build["cached"]}</span> <span class="skw-run">↻ {build["ran"]}</span>'
    return (
        f'<li><div class="skw-build{" skw-twin-shown" if is_shown else ""}"><span class="skw-build-name">'
        f'<span class="skw-number">{build["number"]}</span> {html_text(build["label"])}</span>'
        f'<span class="skw-tally">{tally if is_good else ""}</span>{_bar_of(build, longest)}'
        f'<span class="skw-took">{html_text(_build_took(build))}</span></div></li>'
    )


def _build_took(build: Shown) -> str:
    match build["outcome"]:
        case "running":
            return message("running")
        case "done":
            return seconds_text(build["seconds"])
        case "cancelled":
            return message("■ cancelled")
        case _:
            return message("✗ failed")


def _bar_of(build: Shown, longest: float) -> str:
    tone = "bad" if build["outcome"] != "done" else "rest" if build["ran"] else "hit"
    width = max(0.6, 100 * build["seconds"] / longest)
    parts = "".join(
        f'<i class="skw-bar-{"bad" if part["failed"] else "run"}" style="left:{part["left"]}%;width:{part["width"]}%">'
        f"<span>{html_text(part['label'])}</span></i>"
        for part in build["parts"]
    )
    return f'<span class="skw-bars"><span class="skw-whole skw-bar-{tone}" style="width:{width:.1f}%">{parts}</span></span>'


def _comparison(found: Shown | None) -> str:
    if found is None:
        title, hint = message("Before and after"), message("After two builds this says what changed between them.")
        return f'<div class="skw-compare"><h4>{html_text(title)}</h4><p class="skw-hint">{html_text(hint)}</p></div>'
    facts = f'<p class="skw-dim">{html_text(" ".join(found["facts"]))}</p>'
    why = "".join(
        f'<p class="skw-because skw-because-{one["tone"]}"><b class="skw-{one["tone"]}">{html_text(one["step"])}</b> '
        f"{html_text(one['said'])}</p>"
        for one in found["why"]
    )
    changed = [row for row in found["rows"] if row["change"]]
    builds = (message("Build {number}", number=found[side]) for side in ("before", "after"))
    heads = (message("Step"), *builds, message("Change"))
    looks = [f"skw-row-{row['tone']}" for row in changed]
    table = table_html([Cell(text) for text in heads], [_comparison_row(row) for row in changed], row_looks=looks)
    title = message("Before and after: build {before} → build {after}", before=found["before"], after=found["after"])
    return (
        f'<div class="skw-compare"><h4>{html_text(title)}</h4>'
        f'<p class="skw-finding">{html_text(found["finding"])}</p>{why}{facts}{table if changed else ""}</div>'
    )


def _comparison_row(row: Shown) -> list[Cell]:
    sides = (_side(row["before"]), _side(row["after"]), row["change"])
    return [Cell(row["text"], tip=row["text"], is_code=True), *map(Cell, sides)]


def _side(side: Shown | None) -> str:
    if side is None:
        return message("not there")
    shown = STATES[side["state"]]
    return f"{shown.icon} {seconds_text(side['seconds']) if shown.timed else shown.word}".strip()
