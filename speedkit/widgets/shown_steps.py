"""Builds as the page and its static twin show them: plain dicts, ready for a trait.

In: a `Build`, finished or not, or only a Dockerfile's text. Out: steps by stage in the Dockerfile's own order, with
BuildKit's own work set apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from speedkit.dockerfile import Dockerfile, Instruction, needed_stages, read_dockerfile
from speedkit.errors import DockerfileError
from speedkit.messages import message
from speedkit.model import Build, Step, StepState
from speedkit.recordings import BEFORE_STAGES, RUNS_IN_BUILDKIT
from speedkit.rendering import Reason
from speedkit.words import bytes_text
from speedkit.words.causes import cause_in_short

from .failure_marks import EXIT_CODE, failed_step
from .forecast_summary import agreement, expected_time, rough_seconds

__all__ = ["Background", "build_counts", "focused_step", "planned_steps", "shown_build", "step_id", "step_of"]

WORTH_SAYING_SECONDS = 0.1
UNNAMED = re.compile(r"stage-\d+")


def step_id(step: Step) -> str:
    """A name for a step that stays the same while the build goes on."""
    if step.kind == "instruction" and step.line is not None and not step.triggered:
        return f"line-{step.line}"
    return f"{step.kind}-{step.digest or step.name}"


def step_of(build: Build, wanted: str) -> Step | None:
    return next((step for step in build.step_list if step_id(step) == wanted), None)


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


def build_counts(build: Build) -> dict[str, int]:
    steps = build.instructions
    return {"cached": sum(step.cached for step in steps), "ran": sum(step.ran for step in steps)}


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
) -> dict[str, Any]:
    """A build for the step list.

    started_ms: when it began, by the kernel's clock, while it runs; None once it has ended.
    is_current: its Dockerfile is still the one in the editor, so that a forecast speaks of the same lines.
    """
    now = build.seconds
    known = background or Background()
    open_lines = {step.line for step in build.step_list if step.state in ("running", "waiting")}

    def shown(step: Step) -> dict[str, Any]:
        return _step(step, now, started_ms) | _remark(step, known, open_lines)

    return {
        "number": number,
        "title": message("Build {number}: {label}", number=number, label=label),
        "outcome": build.outcome,
        "seconds": round(build.seconds, 3) if started_ms is None else 0.0,
        "started_ms": started_ms,
        "stages": _stages(build.instructions, shown),
        "internal": [_step(step, now, started_ms) for step in build.step_list if step.kind == "internal"],
        "counts": build_counts(build),
        "focus": focused_step(build),
        "error": _error(build),
        "hint": message("BuildKit is reading the Dockerfile and the build context."),
        "stand_ins": build.stand_ins,
        "is_cold": is_cold,
        "is_current": is_current,
        "agreement": agreement(known.expected, build) if started_ms is None else "",
        "about": expected_time(known.expected) if started_ms is not None else "",
    }


def _remark(step: Step, known: Background, open_lines: Set[int | None]) -> dict[str, str]:
    """note: what else there is to say of a step in a few words. why: the reason for its state, as a sentence."""
    line = None if step.triggered else step.line
    entry, reason = known.entry(line), known.reasons.get(line or 0)
    parts = [_note(step, entry, reason, open_lines), bytes_text(step.bytes_fetched) if step.bytes_fetched else ""]
    return {"note": ", ".join(part for part in parts if part), "why": _why(step, entry, reason)}


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


def _stages(steps: tuple[Step, ...], shown: Callable[[Step], dict[str, Any]]) -> list[dict[str, Any]]:
    groups = [(stage, list(group)) for stage, group in groupby(steps, key=lambda step: step.stage)]
    return [
        {
            "name": f"{place} {stage}",
            "title": _stage_title(stage, is_last=place == len(groups)),
            "steps": [shown(step) for step in group],
        }
        for place, (stage, group) in enumerate(groups, 1)
    ]


def _stage_title(stage: str, *, is_last: bool) -> str:
    if stage == BEFORE_STAGES:
        return message("before the stages")
    return message("final image") if is_last and UNNAMED.fullmatch(stage) else stage


def _step(step: Step, now: float, started_ms: float | None) -> dict[str, Any]:
    is_running = step.state == "running" and started_ms is not None
    return {
        "id": step_id(step),
        "line": step.line,
        "text": step.instruction,
        "state": step.state,
        "seconds": 0.0 if is_running else round(step.seconds, 3),
        # The browser's clock goes on from here by itself: a trait changes only when something happened.
        "started_ms": _started_ms(step, now, started_ms) if is_running else None,
        "began": None if step.started_seconds is None else round(step.started_seconds, 2),
        "bytes": step.bytes_fetched,
        "error": _short(step.error or ""),
        "note": "",
        "why": "",
    }


def _short(error: str) -> str:
    """An error without the command that failed, which the step says already."""
    found = EXIT_CODE.search(error)
    return message("It failed with exit code {code}.", code=found[1]) if found else error


def _started_ms(step: Step, now: float, started_ms: float | None) -> float | None:
    """When the step's clock began, to a tenth of a second, so that it does not jitter from paint to paint."""
    if started_ms is None:
        return None
    return round((started_ms + (now - step.seconds) * 1000) / 200) * 200


def planned_steps(dockerfile: str, *, strategy: str) -> dict[str, Any]:
    """The steps of a Dockerfile that was not built yet, all waiting, or why BuildKit would reject it."""
    shown: dict[str, Any] = {
        "number": 0,
        "title": message("Next build: {strategy}", strategy=strategy),
        "outcome": "waiting",
        "seconds": 0.0,
        "started_ms": None,
        "stages": [],
        "internal": [],
        "counts": {"cached": 0, "ran": 0},
        "focus": None,
        "error": "",
        "hint": message("Press Build to see each step run or come from the cache."),
        "stand_ins": "",
        "is_cold": False,
        "is_current": True,
        "agreement": "",
        "about": "",
    }
    try:
        parsed = read_dockerfile(dockerfile)
        needed = needed_stages(parsed, build_args={}, target=None)
    except DockerfileError as problem:
        told = str(problem)
        if problem.line is not None:
            told = message("Line {line}: {error}", line=problem.line, error=told)
        return shown | {"error": told, "error_line": problem.line}
    steps = tuple(_planned(entry, parsed, needed) for entry in parsed.instructions)
    return shown | {"stages": _stages(steps, lambda step: _step(step, 0.0, None))}


def _planned(entry: Instruction, dockerfile: Dockerfile, needed: frozenset[int]) -> Step:
    stage = BEFORE_STAGES if entry.stage is None else dockerfile.stages[entry.stage].name
    state: StepState = "waiting" if entry.keyword in RUNS_IN_BUILDKIT else "no-step"
    if entry.stage is not None and entry.stage not in needed:
        state = "not-needed"
    return Step(entry.text, stage, entry.text, entry.line, state, 0.0)
