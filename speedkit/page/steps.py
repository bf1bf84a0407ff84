"""The steps of a build as a page shows them, by stage, in the order of the Dockerfile.

In: a `Build`, finished or not, or only the text of a Dockerfile. Out: a `StepList`, with BuildKit's own steps apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal

from speedkit.dockerfile import Dockerfile, needed_stages, read_dockerfile
from speedkit.errors import DockerfileError
from speedkit.messages import facts_in_one, message
from speedkit.model import Build, Outcome, Step, StepState
from speedkit.recordings import BEFORE_STAGES, RUNS_IN_BUILDKIT
from speedkit.rendering import Reason
from speedkit.words import bytes_text
from speedkit.words.causes import cause_in_short

from .failure_marks import EXIT_CODE, failed_step
from .forecast_summary import agreement, expected_time, rough_seconds

__all__ = [
    "ForecastAndReasons",
    "StageRows",
    "StepList",
    "StepRow",
    "build_counts",
    "planned_steps",
    "step_id",
    "step_of",
    "steps_of_build",
]

WORTH_SHOWING_SECONDS = 0.1
UNNAMED = re.compile(r"stage-\d+")


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a build, as the page shows it.

    id: from `step_id`. line: 1-based, None for BuildKit's own steps. seconds: how long it ran; 0 while it runs. started_ms: its
    start by the kernel's clock, while it runs, else None. began_seconds: its start, from the start of the build. note: a few
    words beside it. why: the cause of its state, as a sentence.
    """

    id: str
    line: int | None
    text: str
    state: StepState
    seconds: float = 0.0
    started_ms: float | None = None
    began_seconds: float | None = None
    error: str = ""
    note: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class StageRows:
    """The steps of one stage, in the order of the Dockerfile."""

    title: str
    steps: tuple[StepRow, ...]


@dataclass(frozen=True, slots=True)
class StepList:
    """A build, or the next one, as a list of steps.

    number: of the build, 0 for the next one. hint: a sentence in place of steps. started_ms: its start by the kernel's clock,
    while it runs; `seconds` is 0 then. internal: BuildKit's own steps. cached, ran: numbers of instructions. focus: from
    `focused_step`. error_line: the 1-based line that BuildKit would reject. is_current: whether its Dockerfile is that in the
    editor, so that the forecast is for the same lines. agreement: whether the forecast was right. expected_time: for all of it.
    """

    number: int
    title: str
    outcome: Outcome | Literal["waiting"]
    hint: str
    seconds: float = 0.0
    started_ms: float | None = None
    stages: tuple[StageRows, ...] = ()
    internal: tuple[StepRow, ...] = ()
    cached: int = 0
    ran: int = 0
    focus: str | None = None
    error: str = ""
    error_line: int | None = None
    stand_ins: str = ""
    is_cold: bool = False
    is_current: bool = True
    agreement: str = ""
    expected_time: str = ""

    @property
    def rows(self) -> tuple[StepRow, ...]:
        """All steps, BuildKit's own last."""
        return (*(step for stage in self.stages for step in stage.steps), *self.internal)

    def row(self, step: str | None) -> StepRow | None:
        """The step with an id."""
        return next((row for row in self.rows if row.id == step), None)


def step_id(step: Step) -> str:
    """A name for a step that stays the same while the build runs.

    A digest is not enough for an instruction: its vertex, and so the digest, is unknown until BuildKit solves it. A line is not
    enough for the steps of ONBUILD triggers, which all have the line of their FROM.
    """
    if step.kind == "instruction" and step.line is not None and not step.triggered:
        return f"line-{step.line}"
    return f"{step.kind}-{step.digest or step.name}"


def step_of(build: Build, step: str) -> Step | None:
    """The step of a build with an id."""
    return next((candidate for candidate in build.step_list if step_id(candidate) == step), None)


def focused_step(build: Build) -> str | None:
    """The id of the step with the most useful log: the failed one, else the newest running one, else the slowest that ran."""
    if (failed := failed_step(build)) is not None:
        return step_id(failed)
    running = [step for step in build.step_list if step.state == "running"]
    if running:
        candidates = [step for step in running if step.kind != "internal"] or running
        return step_id(max(candidates, key=lambda step: step.started_seconds or 0.0))
    ran = [step for step in build.instructions if step.state in ("ran", "cancelled")]
    return step_id(max(ran, key=lambda step: step.seconds)) if ran else None


def build_counts(build: Build) -> tuple[int, int]:
    """The number of cached instructions of a build, and of those that ran."""
    return sum(step.cached for step in build.instructions), sum(step.ran for step in build.instructions)


@dataclass(frozen=True, slots=True)
class ForecastAndReasons:
    """What a list of steps needs besides the build.

    forecast: made before the build, entries as in `widgets.forecast_worker`. reasons: why each step was cached or ran, by line;
    {} before the end of the build.
    """

    forecast: Sequence[Mapping[str, Any]] = ()
    reasons: Mapping[int, Reason] = field(default_factory=dict)

    def entry(self, line: int | None) -> Mapping[str, Any]:
        return next((entry for entry in self.forecast if entry["line"] == line), {})


def steps_of_build(
    build: Build,
    *,
    number: int,
    label: str,
    started_ms: float | None,
    is_cold: bool,
    is_current: bool,
    explanations: ForecastAndReasons | None = None,
) -> StepList:
    """A build as a list of steps.

    started_ms: its start by the kernel's clock, while it runs; None after its end.
    is_current: whether its Dockerfile is that in the editor, so that the forecast is for the same lines.
    """
    explanations = explanations or ForecastAndReasons()
    open_lines = {step.line for step in build.step_list if step.state in ("running", "waiting")}
    cached, ran = build_counts(build)
    # BuildKit's error may quote the Dockerfile first; its last line is the message.
    error_lines = (build.error or "").strip().splitlines() if build.outcome != "running" else []

    def explained_row(step: Step) -> StepRow:
        # Forecasts and reasons are by line, and the line of a triggered step is that of its FROM.
        line = None if step.triggered else step.line
        entry, reason = explanations.entry(line), explanations.reasons.get(line or 0)
        parts = [_note(step, entry, reason, open_lines), bytes_text(step.bytes_fetched) if step.bytes_fetched else ""]
        note = facts_in_one(part for part in parts if part)
        return replace(_row(step, build.seconds, started_ms), note=note, why=_why(step, entry, reason))

    return StepList(
        number=number,
        title=message("Build {number}: {label}", number=number, label=label),
        outcome=build.outcome,
        hint=message("BuildKit is reading the Dockerfile and the build context."),
        seconds=round(build.seconds, 3) if started_ms is None else 0.0,
        started_ms=started_ms,
        stages=_stages(build.instructions, explained_row),
        internal=tuple(_row(step, build.seconds, started_ms) for step in build.step_list if step.kind == "internal"),
        cached=cached,
        ran=ran,
        focus=focused_step(build),
        error=error_lines[-1] if error_lines else "",
        stand_ins=build.stand_ins,
        is_cold=is_cold,
        is_current=is_current,
        agreement=agreement(explanations.forecast, build) if started_ms is None else "",
        expected_time=expected_time(explanations.forecast) if started_ms is not None else "",
    )


def _note(step: Step, entry: Mapping[str, Any], reason: Reason | None, open_lines: Set[int | None]) -> str:
    usual = entry.get("usual") or 0.0
    if step.state == "cached":
        return message("saved {seconds}", seconds=rough_seconds(usual)) if usual >= WORTH_SHOWING_SECONDS else ""
    if step.state == "running":
        return message("last time {seconds}", seconds=rough_seconds(usual)) if usual >= WORTH_SHOWING_SECONDS else ""
    if step.state == "waiting":
        earlier_lines = [line for line in entry.get("after", ()) if line in open_lines]
        return message("waits for line {line}", line=earlier_lines[-1]) if earlier_lines else ""
    if not step.ran:
        return ""
    if reason is not None:
        return cause_in_short(reason.cause)
    return str(entry.get("ran", ""))


def _why(step: Step, entry: Mapping[str, Any], reason: Reason | None) -> str:
    if reason is not None and step.state != "waiting":
        return reason.because
    # A cause from the forecast explains the result only when the forecast was right.
    is_expected = entry.get("forecast") == ("hit" if step.cached else "miss")
    return str(entry.get("because", "")) if is_expected and (step.cached or step.ran) else ""


def _stages(steps: Sequence[Step], row_of: Callable[[Step], StepRow]) -> tuple[StageRows, ...]:
    groups = [(stage, list(group)) for stage, group in groupby(steps, key=lambda step: step.stage)]
    stage_rows = []
    for place, (stage, group) in enumerate(groups, 1):
        title = stage
        if stage == BEFORE_STAGES:
            title = message("before the stages")
        elif place == len(groups) and UNNAMED.fullmatch(stage):
            title = message("final image")
        stage_rows.append(StageRows(title, tuple(row_of(step) for step in group)))
    return tuple(stage_rows)


def _row(step: Step, now: float, started_ms: float | None) -> StepRow:
    seconds, step_started_ms = round(step.seconds, 3), None
    if step.state == "running" and started_ms is not None:
        # The browser counts the seconds from here by itself, so that the page gets an update only when something has happened.
        # The start is in steps of 200 ms: each snapshot gives it slightly differently, and small differences are no news.
        seconds, step_started_ms = 0.0, round((started_ms + (now - step.seconds) * 1000) / 200) * 200
    exit_code = EXIT_CODE.search(step.error or "")
    return StepRow(
        id=step_id(step),
        line=step.line,
        text=step.instruction,
        state=step.state,
        seconds=seconds,
        started_ms=step_started_ms,
        began_seconds=None if step.started_seconds is None else round(step.started_seconds, 2),
        # BuildKit's error repeats the whole command, which the row shows already.
        error=message("It failed with exit code {code}.", code=exit_code[1]) if exit_code else step.error or "",
    )


def planned_steps(dockerfile: str, *, strategy: str) -> StepList:
    """The waiting steps of a Dockerfile before its build, or why BuildKit would reject the Dockerfile."""
    planned = StepList(
        number=0,
        title=message("Next build: {strategy}", strategy=strategy),
        outcome="waiting",
        hint=message("Press Build to see each step run or come from the cache."),
    )
    parsed = _parsed(dockerfile)
    if isinstance(parsed, DockerfileError):
        error = str(parsed)
        if parsed.line is not None:
            error = message("Line {line}: {error}", line=parsed.line, error=error)
        return replace(planned, error=error, error_line=parsed.line)
    needed = needed_stages(parsed, build_args={}, target=None)
    steps = []
    for instruction in parsed.instructions:
        stage = BEFORE_STAGES if instruction.stage is None else parsed.stages[instruction.stage].name
        state: StepState = "waiting" if instruction.keyword in RUNS_IN_BUILDKIT else "no-step"
        if instruction.stage is not None and instruction.stage not in needed:
            state = "not-needed"
        steps.append(Step(instruction.text, stage, instruction.text, instruction.line, state, 0.0))
    return replace(planned, stages=_stages(steps, lambda step: _row(step, 0.0, None)))


@lru_cache(maxsize=8)
def _parsed(dockerfile: str) -> Dockerfile | DockerfileError:
    """A parsed Dockerfile or its error. Cached, because each update of the page needs the same text again."""
    try:
        parsed = read_dockerfile(dockerfile)
        # Raises an error for a stage that BuildKit would reject, which `read_dockerfile` does not see.
        needed_stages(parsed, build_args={}, target=None)
    except DockerfileError as problem:
        return problem
    return parsed
