"""A build as a list of steps in HTML: by stage, each with its state as an icon, a word and a colour."""

from __future__ import annotations

from itertools import groupby

from speedkit.messages import message
from speedkit.model import Build, Step
from speedkit.secrets import count_substitutes
from speedkit.words import STATES, bytes_text, seconds_text, secrets_left_out

from .ansi import ansi_to_html
from .html_text import html_text
from .mathjax import NOT_MATH

__all__ = ["build_html"]

LOG_LINES = 30

# One light and one dark value per meaning; --sk-* may be set by the page, JupyterLab's own variables give the rest.
STYLE = """<style>
.sk-build{--hit:var(--sk-hit,#0072B2);--run:var(--sk-run,#B34700);--bad:var(--sk-bad,#b3261e);--dim:var(--jp-ui-font-color2,#59636e);
--line:var(--jp-border-color2,#dfe3e8);font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);
color:var(--jp-ui-font-color1,inherit);
border:1px solid var(--line);border-radius:8px;padding:8px 12px;max-width:960px;margin:4px 0}
[data-jp-theme-light="false"] .sk-build{--hit:#6cb8ea;--run:#f2a065;--bad:#ff8a80}
.sk-build .sk-head{font-weight:600}.sk-build .sk-sub,.sk-build .sk-stage{color:var(--dim);font-size:12px}
.sk-build .sk-stage{margin-top:6px;font-weight:600}
.sk-build .sk-row{display:grid;grid-template-columns:20px 36px minmax(0,1fr) minmax(72px,auto);gap:8px;align-items:baseline}
.sk-build.sk-build.sk-build .sk-row code{font:12px/1.6 var(--jp-code-font-family,ui-monospace,monospace);white-space:nowrap;
overflow:hidden;text-overflow:ellipsis;background:none;color:inherit;padding:0;border:0}
.sk-build .sk-n{color:var(--dim);text-align:right;font-variant-numeric:tabular-nums}
.sk-build .sk-t{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.sk-build .cached .sk-i,.sk-build .cached .sk-t{color:var(--hit)}
.sk-build .ran .sk-i,.sk-build .ran .sk-t,.sk-build .running .sk-i,.sk-build .running .sk-t{color:var(--run);font-weight:600}
.sk-build .failed .sk-i,.sk-build .failed .sk-t,.sk-build .sk-error{color:var(--bad);font-weight:600}
.sk-build .waiting,.sk-build .unclear,.sk-build .no-step,.sk-build .not-needed,.sk-build .cancelled{color:var(--dim)}
.sk-build .sk-why{color:var(--dim);font-size:12px;padding:0 0 3px 72px}
.sk-build pre{font:12px/1.5 var(--jp-code-font-family,ui-monospace,monospace);border:1px solid var(--line);
border-radius:6px;padding:6px 10px;margin:6px 0;
overflow:auto;max-height:640px;white-space:pre-wrap;overflow-wrap:anywhere}
</style>"""


def build_html(build: Build) -> str:
    """The build: a headline, a row per instruction by stage, and the failing step's last lines."""
    rows = []
    for stage, steps in groupby(build.instructions, key=lambda step: step.stage):
        rows.append(f'<div class="sk-stage">{html_text(stage)}</div>')
        rows += [_row(step) for step in steps]
    body = f'<div class="sk-head">{html_text(_headline(build))}</div><div class="sk-sub">{html_text(_facts(build))}</div>'
    return f'{STYLE}<div class="sk-build {NOT_MATH}">{body}{"".join(rows)}{_notices(build)}{_problem(build)}</div>'


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
    buildkit = [step for step in build.instructions if step.state in ("cached", "ran")]
    cached = sum(step.cached for step in buildkit)
    facts = [message("{cached} cached, {ran} ran", cached=cached, ran=len(buildkit) - cached)]
    if build.image_bytes is not None:
        facts.append(message("image {size}", size=bytes_text(build.image_bytes)))
    if build.answer is not None and build.answer.ok:
        facts.append(message("the image answered as expected"))
    if build.stand_ins:
        facts.append(build.stand_ins)
    if count := count_substitutes(f"{build.dockerfile}{build.error}"):
        facts.append(secrets_left_out(count))
    return " · ".join(facts)


def _row(step: Step) -> str:
    number = "" if step.line is None else str(step.line)
    text = html_text(step.instruction)
    return (
        f'<div class="sk-row {step.state}"><span class="sk-i">{STATES[step.state].icon}</span>'
        f'<span class="sk-n">{number}</span>'
        f'<code title="{text}">{text}</code><span class="sk-t">{html_text(_amount(step))}</span></div>'
    )


def _amount(step: Step) -> str:
    shown = STATES[step.state]
    if not shown.timed:
        return shown.word
    seconds = seconds_text(step.seconds)
    return message("failed, {seconds}", seconds=seconds) if step.state == "failed" else seconds


def _notices(build: Build) -> str:
    return "".join(f'<div class="sk-sub">! {html_text(notice)}</div>' for notice in build.notices)


def _problem(build: Build) -> str:
    if build.error is None:
        return ""
    lines = build.error.splitlines()[-LOG_LINES:]
    return f"<pre>{ansi_to_html(chr(10).join(lines))}</pre>"
