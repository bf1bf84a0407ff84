"""The stages of a build as a graph: which steps were cached or ran, and which way a miss took through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from speedkit.causes import FilesChanged, NewToCache, OtherBytes, StepRan
from speedkit.history import RUN_STATES, MissPath, Reasons, trace_misses
from speedkit.measurements import UNCHANGED, edit_words
from speedkit.messages import clauses, join_names, message, plural
from speedkit.rendering import Reason
from speedkit.words import seconds_text, shown_state
from speedkit.words.causes import cause_clause, cause_title

from .plot import Plot
from .stage_graph import INSTRUCTION_LETTERS, Mark, Row, crosses, draw, placed_rows
from .style import notes, plain, short, short_instruction

__all__ = ["stages"]

CAUSE_LETTERS = 36
SHOWN_STATES = frozenset({"cached", "hit", "depends", "waiting", "unclear", *RUN_STATES})


def stages(reasons: Reasons) -> Plot:
    """The steps of an explained build or a forecast by stage, and the ways between them that a miss took or could take.

    reasons: from `sk.explain` or `sk.predict`.
    """
    steps = _drawn_steps(reasons.steps)
    ways = [way for way in trace_misses(reasons.steps) if way.target in steps and way.source in steps]
    rows = placed_rows(_row(step, ways) for step in steps.values())
    figure = draw(rows, ways, title=_finding(reasons, ways), measured=clauses(_notes(reasons)))
    return Plot(figure, _table(reasons, rows, ways))


def _drawn_steps(steps: Sequence[Reason]) -> dict[int, Reason]:
    """By line, each FROM and each step that BuildKit looks up or runs."""
    drawn: dict[int, Reason] = {}
    for step in steps:
        # A FROM is drawn though nothing runs for it: it says what the stage is built on.
        is_opening = step.instruction.startswith("FROM ") and step.state != "not-needed"
        if is_opening or step.state in SHOWN_STATES:
            drawn.setdefault(step.line, step)
    return drawn


def _row(step: Reason, ways: Sequence[MissPath]) -> Row:
    stops = any(way.target == step.line and way.travel == "stopped" for way in ways)
    return Row(
        step.line,
        step.stage,
        step.instruction,
        _mark(step.state),
        _state_text(step, stops=stops),
        f"{step.stage}: {step.instruction}\n{step.because}",
        is_opening=step.instruction.startswith("FROM "),
    )


def _mark(state: str) -> Mark:
    if state in ("failed", "cancelled"):
        return "failed"
    if state in RUN_STATES:
        return "ran"
    return "cached" if state in ("cached", "hit") else "open"


def _state_text(reason: Reason, *, stops: bool) -> str:
    """What became of a step, and the cause when a miss began in it. stops: a miss came to the step, and it stayed cached."""
    icon = shown_state(reason.state).icon
    if reason.state in ("cached", "hit") and stops:
        return message("{icon} cached: same bytes, so the miss stops here", icon=icon)
    if reason.state in ("cached", "hit"):
        return message("{icon} cached", icon=icon)
    if reason.state == "depends":
        return message("{icon} depends on what comes out", icon=icon)
    if reason.state == "waiting":
        return message("not reached")
    if reason.state == "unclear":
        return message("{icon} not told apart", icon=icon)
    if reason.state not in RUN_STATES:
        return ""
    text = _run_text(reason, icon)
    # A step that ran because the step above it ran, or because it is new, says nothing of its own.
    cause = "" if isinstance(reason.cause, StepRan | NewToCache) else cause_clause(reason.cause)
    return f"{text}  <b>{plain(short(cause, CAUSE_LETTERS))}</b>" if cause else text


def _run_text(reason: Reason, icon: str) -> str:
    seconds = seconds_text(reason.seconds)
    if reason.state == "failed":
        return message("{icon} failed, {seconds}", icon=icon, seconds=seconds)
    if reason.state == "cancelled":
        return message("{icon} cancelled, {seconds}", icon=icon, seconds=seconds)
    if reason.state == "miss":
        return message("{icon} runs", icon=icon)
    return message("{icon} {seconds}", icon=icon, seconds=seconds)


def _finding(reasons: Reasons, ways: Sequence[MissPath]) -> str:
    steps = [step for step in reasons.steps if step.state in SHOWN_STATES]
    ran = [step for step in steps if step.state in RUN_STATES]
    if not steps:
        return message("There is nothing to run")
    failed = next((step for step in ran if step.state in ("failed", "cancelled")), None)
    if failed is not None:
        instruction = short_instruction(failed.instruction, INSTRUCTION_LETTERS)
        if failed.state == "failed":
            return message("Line {line}, {instruction}, failed", line=failed.line, instruction=instruction)
        return message("Line {line}, {instruction}, cancelled", line=failed.line, instruction=instruction)
    if not ran:
        return reasons.title if reasons.build is None else message("Everything came from the cache")
    count = {"ran": len(ran), "steps": len(steps)}
    if reasons.build is None:
        finding = message("{beginning}: {ran} of {steps} steps run", beginning=_causes_in_words(ran, steps), **count)
    else:
        seconds = seconds_text(sum(step.seconds for step in ran))
        finding = message(
            "{beginning}: {ran} of {steps} steps ran, {seconds}",
            beginning=_causes_in_words(ran, steps),
            seconds=seconds,
            **count,
        )
    stops = list(dict.fromkeys(way.target for way in ways if way.travel == "stopped"))
    match stops:
        case []:
            return finding
        case [line]:
            lines = message("line {number}", number=line)
        case [first, second]:
            lines = message("lines {first} and {second}", first=first, second=second)
        case _:
            lines = plural("{count} place", "{count} places", len(stops))
    return message("{finding}; miss stopped at {lines}", finding=finding, lines=lines)


def _causes_in_words(ran: Sequence[Reason], steps: Sequence[Reason]) -> str:
    """The causes of all misses, in a few words."""
    base_images = sum(step.instruction.startswith("FROM ") for step in steps)
    if len(ran) == len(steps) - base_images and all(isinstance(step.cause, NewToCache) for step in ran):
        return message("Nothing but base images was cached") if base_images else message("Nothing was cached")
    # The steps in which a miss began: others ran because of them. Steps often copy the same files; of two such steps, the one
    # with more changed files speaks for both.
    began = [step for step in ran if not isinstance(step.cause, StepRan | OtherBytes)]
    files = [set(step.cause.files) for step in began if isinstance(step.cause, FilesChanged)]
    causes = dict.fromkeys(
        cause_title(step.cause, line=step.line)
        for step in began
        if not isinstance(step.cause, FilesChanged) or not any(set(step.cause.files) < more for more in files)
    )
    if len(causes) > 2:
        return plural("{count} change", "{count} changes", len(causes))
    return join_names(list(causes)) or message("Bytes that changed")


def _notes(reasons: Reasons) -> Iterator[str]:
    """Which build this is, how it was measured, and how many stages are not drawn."""
    build = reasons.build
    if build is None:
        yield message("a forecast: nothing was built")
    else:
        # "nothing changed" would be wrong here: a build arg may have changed, and the title says so.
        name = build.strategy
        if build.edit != UNCHANGED:
            name = message("{strategy}, {edit}", strategy=build.strategy, edit=edit_words(build.edit))
        yield name
        yield message("one run")
        yield notes([build])
    unused_stages = len({step.stage for step in reasons.steps if step.state == "not-needed"})
    if unused_stages:
        yield plural(
            "{count} stage that the target does not use left out",
            "{count} stages that the target does not use left out",
            unused_stages,
        )


def _table(reasons: Reasons, rows: Mapping[int, Row], ways: Sequence[MissPath]) -> pd.DataFrame:
    """A row per step of the figure, with the lines of other stages that it takes files from."""
    sources: dict[int, list[str]] = {line: [] for line in rows}
    for way in ways:
        if crosses(way, rows):
            sources[way.target].append(message("line {number}", number=way.source))
    table = reasons.table
    shown = table[table["line"].isin(list(rows))].drop_duplicates("line").reset_index(drop=True)
    shown.insert(len(shown.columns) - 1, "takes_from", [", ".join(sources[line]) for line in shown["line"]])
    return shown
