"""The steps of a build as a page shows them: a value for each step, by stage in the Dockerfile's own order.

In: a `Build`, finished or not, or only a Dockerfile's text. Out: a `StepList`. BuildKit's own work is set apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal

from speedkit.dockerfile import Dockerfile, Instruction, needed_stages, read_dockerfile
from speedkit.errors import DockerfileError
from speedkit.messages import message
from speedkit.model import Build, Outcome, Step, StepState
from speedkit.recordings import BEFORE_STAGES, RUNS_IN_BUILDKIT
from speedkit.rendering import Reason
from speedkit.words import bytes_text
from speedkit.words.causes import cause_in_short

from .failure_marks import EXIT_CODE, failed_step
from .forecast_summary import agreement, expected_time, rough_seconds

__all__ = [
    "Background",
    "StageRows",
    "StepList",
    "StepRow",
    "build_counts",
    "planned_steps",
    "shown_build",
    "step_id",
    "step_of",
]

WORTH_SAYING_SECONDS = 0.1
UNNAMED = re.compile(r"stage-\d+")


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a build, ready to be shown.

    id: stays the same while the build goes on. line: 1-based, None for BuildKit's own work. seconds: how long it ran; 0 while
    it runs. started_ms: when it began, by the kernel's clock, while it runs. began_seconds: when it began, from the start of
    the build. note: a few words beside it. why: the reason for its state, as a sentence.
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
    """The steps of one stage, in the Dockerfile's order."""

    title: str
    steps: tuple[StepRow, ...]


@dataclass(frozen=True, slots=True)
class StepList:
    """A build, or the next one, as a list of steps.

    number: the build's, 0 for the next one. started_ms: when it began, by the kernel's clock, while it runs; `seconds` is 0
    then. internal: BuildKit's own work. focus: the id of the step whose log is worth seeing first. error_line: the 1-based
    line that BuildKit would reject. is_current: its Dockerfile is the one in the editor, so that a forecast speaks of the
    same lines. agreement: whether the forecast came true. about: how long it is expected to take.
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
    about: str = ""

    @property
    def rows(self) -> tuple[StepRow, ...]:
        """All steps, BuildKit's own last."""
        return (*(step for stage in self.stages for step in stage.steps), *self.internal)

    def row(self, step: str | None) -> StepRow | None:
        """The step with an id."""
        return next((row for row in self.rows if row.id == step), None)


def step_id(step: Step) -> str:
    """A name for a step that stays the same while the build goes on."""
    if step.kind == "instruction" and step.line is not None and not step.triggered:
        return f"line-{step.line}"
    return f"{step.kind}-{step.digest or step.name}"


def step_of(build: Build, step: str) -> Step | None:
    """The step of a build with an id."""
    return next((one for one in build.step_list if step_id(one) == step), None)


def focused_step(build: Build) -> str | None:
    """The step whose log is worth seeing first: the failed one, the newest running one, else the slowest that ran."""
    if (failed := failed_step(build)) is not None:
        return step_id(failed)
    running = [step for step in build.step_list if step.state == "running"]
    if running:
        own = [step for step in running if step.kind != "internal"] or running
        return step_id(max(own, key=lambda step: step.started_seconds or 0.0))
    ran = [step for step in build.instructions if step.state in ("ran", "cancelled")]
    return step_id(max(ran, key=lambda step: step.seconds)) if ran else None


def build_counts(build: Build) -> tuple[int, int]:
    """How many instructions of a build were cached, and how many ran."""
    return sum(step.cached for step in build.instructions), sum(step.ran for step in build.instructions)


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a build's steps besides what BuildKit said.

    expected: the forecast made before it, entries as in `foresight`. reasons: why each step was cached or ran, by line,
    once it has ended.
    """

    expected: Sequence[Mapping[str, Any]] = ()
    reasons: Mapping[int, Reason] = field(default_factory=dict)

    def entry(self, line: int | None) -> Mapping[str, Any]:
        return next((entry for entry in self.expected if entry["line"] == line), {})


def shown_build(
    build: Build,
    *,
    number: int,
    label: str,
    started_ms: float | None,
    is_cold: bool,
    is_current: bool,
    background: Background | None = None,
) -> StepList:
    """A build as a list of steps.

    started_ms: when it began, by the kernel's clock, while it runs; None once it has ended.
    is_current: its Dockerfile is still the one in the editor, so that a forecast speaks of the same lines.
    """
    background = background or Background()
    open_lines = {step.line for step in build.step_list if step.state in ("running", "waiting")}
    cached, ran = build_counts(build)

    def shown(step: Step) -> StepRow:
        note, why = _remark(step, background, open_lines)
        return replace(_row(step, build.seconds, started_ms), note=note, why=why)

    return StepList(
        number=number,
        title=message("Build {number}: {label}", number=number, label=label),
        outcome=build.outcome,
        hint=message("BuildKit is reading the Dockerfile and the build context."),
        seconds=round(build.seconds, 3) if started_ms is None else 0.0,
        started_ms=started_ms,
        stages=_stages(build.instructions, shown),
        internal=tuple(_row(step, build.seconds, started_ms) for step in build.step_list if step.kind == "internal"),
        cached=cached,
        ran=ran,
        focus=focused_step(build),
        error=_error(build),
        stand_ins=build.stand_ins,
        is_cold=is_cold,
        is_current=is_current,
        agreement=agreement(background.expected, build) if started_ms is None else "",
        about=expected_time(background.expected) if started_ms is not None else "",
    )


def _remark(step: Step, background: Background, open_lines: Set[int | None]) -> tuple[str, str]:
    """What else there is to say of a step in a few words, and the reason for its state as a sentence."""
    line = None if step.triggered else step.line
    entry, reason = background.entry(line), background.reasons.get(line or 0)
    parts = [_note(step, entry, reason, open_lines), bytes_text(step.bytes_fetched) if step.bytes_fetched else ""]
    return ", ".join(part for part in parts if part), _why(step, entry, reason)


def _note(step: Step, entry: Mapping[str, Any], reason: Reason | None, open_lines: Set[int | None]) -> str:
    usual = entry.get("usual") or 0.0
    if step.state == "cached":
        return message("saved {seconds}", seconds=rough_seconds(usual)) if usual >= WORTH_SAYING_SECONDS else ""
    if step.state == "running":
        return message("last time {seconds}", seconds=rough_seconds(usual)) if usual >= WORTH_SAYING_SECONDS else ""
    if step.state == "waiting":
        before = [line for line in entry.get("after", ()) if line in open_lines]
        return message("waits for line {line}", line=before[-1]) if before else ""
    if not step.ran:
        return ""
    if reason is not None:
        return cause_in_short(reason.cause)
    return str(entry.get("ran", ""))


def _why(step: Step, entry: Mapping[str, Any], reason: Reason | None) -> str:
    if reason is not None and step.state != "waiting":
        return reason.because
    is_expected = entry.get("forecast") == ("hit" if step.cached else "miss")
    return str(entry.get("because", "")) if is_expected and (step.cached or step.ran) else ""


def _error(build: Build) -> str:
    if build.outcome == "running" or build.error is None:
        return ""
    lines = build.error.strip().splitlines()
    return lines[-1] if lines else ""


def _stages(steps: tuple[Step, ...], shown: Callable[[Step], StepRow]) -> tuple[StageRows, ...]:
    groups = [(stage, list(group)) for stage, group in groupby(steps, key=lambda step: step.stage)]
    return tuple(
        StageRows(_stage_title(stage, is_last=place == len(groups)), tuple(shown(step) for step in group))
        for place, (stage, group) in enumerate(groups, 1)
    )


def _stage_title(stage: str, *, is_last: bool) -> str:
    if stage == BEFORE_STAGES:
        return message("before the stages")
    return message("final image") if is_last and UNNAMED.fullmatch(stage) else stage


def _row(step: Step, now: float, started_ms: float | None) -> StepRow:
    is_running = step.state == "running" and started_ms is not None
    return StepRow(
        id=step_id(step),
        line=step.line,
        text=step.instruction,
        state=step.state,
        seconds=0.0 if is_running else round(step.seconds, 3),
        # The browser's clock goes on from here by itself, so that the page is sent something only when something happened.
        started_ms=_started_ms(step, now, started_ms) if is_running else None,
        began_seconds=None if step.started_seconds is None else round(step.started_seconds, 2),
        error=_short(step.error or ""),
    )


def _short(error: str) -> str:
    """An error without the command that failed, which the step says already."""
    found = EXIT_CODE.search(error)
    return message("It failed with exit code {code}.", code=found[1]) if found else error


def _started_ms(step: Step, now: float, started_ms: float | None) -> float | None:
    """When the step's clock began, to a tenth of a second, so that it does not jitter from paint to paint."""
    if started_ms is None:
        return None
    return round((started_ms + (now - step.seconds) * 1000) / 200) * 200


def planned_steps(dockerfile: str, *, strategy: str) -> StepList:
    """The steps of a Dockerfile that was not built yet, all waiting, or why BuildKit would reject it."""
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
    steps = tuple(_planned(entry, parsed, needed) for entry in parsed.instructions)
    return replace(planned, stages=_stages(steps, lambda step: _row(step, 0.0, None)))


@lru_cache(maxsize=8)
def _parsed(dockerfile: str) -> Dockerfile | DockerfileError:
    """A Dockerfile, parsed once per version: every painting of the page asks for the same text."""
    try:
        parsed = read_dockerfile(dockerfile)
        needed_stages(parsed, build_args={}, target=None)
    except DockerfileError as problem:
        return problem
    return parsed


def _planned(entry: Instruction, dockerfile: Dockerfile, needed: frozenset[int]) -> Step:
    stage = BEFORE_STAGES if entry.stage is None else dockerfile.stages[entry.stage].name
    state: StepState = "waiting" if entry.keyword in RUNS_IN_BUILDKIT else "no-step"
    if entry.stage is not None and entry.stage not in needed:
        state = "not-needed"
    return Step(entry.text, stage, entry.text, entry.line, state, 0.0)
