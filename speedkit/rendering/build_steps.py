"""A build as HTML: its steps by stage, each with its state as an icon, a word and a colour."""

from __future__ import annotations

from itertools import groupby

from speedkit.messages import message
from speedkit.model import Build
from speedkit.secrets import count_substitutes
from speedkit.words import STATES, bytes_text, seconds_text, secrets_left_out

from .ansi import ansi_to_html
from .html_text import html_text
from .mathjax import NOT_MATH
from .step_rows import STYLE, step_row

__all__ = ["build_html"]

LOG_LINES = 30


def build_html(build: Build) -> str:
    """The build as HTML: a headline, a row for each instruction by stage, and the last lines of an error."""
    rows = []
    for stage, steps in groupby(build.instructions, key=lambda step: step.stage):
        rows.append(f'<div class="sk-stage">{html_text(stage)}</div>')
        for step in steps:
            shown = STATES[step.state]
            word = seconds_text(step.seconds) if shown.timed else shown.word
            if step.state == "failed":
                word = message("failed, {seconds}", seconds=seconds_text(step.seconds))
            rows.append(step_row(step.state, shown.icon, step.line, step.instruction, word))
    notices = "".join(f'<div class="sk-sub">! {html_text(notice)}</div>' for notice in build.notices)
    error = ""
    if build.error is not None:
        last_lines = build.error.splitlines()[-LOG_LINES:]
        error = f"<pre>{ansi_to_html(chr(10).join(last_lines))}</pre>"
    body = f'<div class="sk-head">{html_text(_headline(build))}</div><div class="sk-sub">{html_text(_facts(build))}</div>'
    return f'{STYLE}<div class="sk-build {NOT_MATH}">{body}{"".join(rows)}{notices}{error}</div>'


def _headline(build: Build) -> str:
    name, seconds = build.strategy, seconds_text(build.seconds)
    if build.edit not in ("", "none"):
        name = message("{strategy}, {edit}", strategy=build.strategy, edit=build.edit)
    match build.outcome:
        case "running":
            return message("{name}: building, {seconds}", name=name, seconds=seconds)
        case "failed":
            return message("{name}: failed after {seconds}", name=name, seconds=seconds)
        case "cancelled":
            return message("{name}: cancelled after {seconds}", name=name, seconds=seconds)
        case "broken":
            return message("{name}: broken after {seconds}", name=name, seconds=seconds)
        case _:
            return message("{name}: {seconds}", name=name, seconds=seconds)


def _facts(build: Build) -> str:
    cached = sum(step.state == "cached" for step in build.instructions)
    ran = sum(step.state == "ran" for step in build.instructions)
    facts = [message("{cached} cached, {ran} ran", cached=cached, ran=ran)]
    if build.image_bytes is not None:
        facts.append(message("image {size}", size=bytes_text(build.image_bytes)))
    if build.answer is not None and build.answer.ok:
        facts.append(message("the image answered as expected"))
    if build.stand_ins:
        facts.append(build.stand_ins)
    if count := count_substitutes(f"{build.dockerfile}{build.error}"):
        facts.append(secrets_left_out(count))
    return " · ".join(facts)
