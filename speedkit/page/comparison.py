"""The comparison of two builds: steps that changed between cached and run, with their causes; seconds, image size, layers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from speedkit.messages import message, plural
from speedkit.words import STATES, bytes_text, seconds_text, steps_that_ran
from speedkit.words.causes import now_cached

from .miss_origins import why_cached, why_ran
from .short_names import short_instruction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speedkit.model import Build, Step, StepState
    from speedkit.rendering import Reason

__all__ = ["BuildComparison", "ComparedState", "ComparedStep", "ExplainedStep", "compare_builds"]

SAVED_STEPS_NAMED = 2
WORTH_NAMING_SECONDS = 0.2
Tone = Literal["", "hit", "run", "bad"]


@dataclass(frozen=True, slots=True)
class ComparedState:
    """The state of a step in one of the two builds."""

    state: StepState
    seconds: float


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """A step in both builds. before, after: None when that build has no such step. change: "" where nothing changed."""

    stage: str
    text: str
    before: ComparedState | None
    after: ComparedState | None
    change: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """A step that the cache saved, or the step that took longest, and a sentence with the cause."""

    tone: Tone
    step: str
    sentence: str


@dataclass(frozen=True, slots=True)
class BuildComparison:
    """What changed between two builds. before, after: their numbers. facts: sentences about steps, image size and layers."""

    before: int
    after: int
    finding: str
    why: tuple[ExplainedStep, ...]
    facts: tuple[str, ...]
    rows: tuple[ComparedStep, ...]


def compare_builds(
    before: Build, after: Build, *, numbers: tuple[int, int], reasons: Mapping[int, Reason] | None = None
) -> BuildComparison:
    """What changed from one build to the other.

    numbers: of the two builds in their session. reasons: why each step of the later build was cached or ran, by line.
    """
    earlier_steps, later_steps = dict(_keyed(before)), dict(_keyed(after))
    # The order is that of the later build; steps that only the earlier build has come last.
    keys = [*later_steps, *(key for key in earlier_steps if key not in later_steps)]
    rows = tuple(
        ComparedStep(
            *key[:2],
            _state(earlier_steps.get(key)),
            _state(later_steps.get(key)),
            *_change(earlier_steps.get(key), later_steps.get(key)),
        )
        for key in keys
    )
    facts = (_steps_fact(rows), _size_fact(before, after), _layer_fact(before, after))
    return BuildComparison(
        *numbers,
        finding=_finding(before, after, numbers),
        why=(*_saved(before, after, reasons or {}), *_costly(after, reasons or {})),
        facts=tuple(fact for fact in facts if fact),
        rows=rows,
    )


def _finding(before: Build, after: Build, numbers: tuple[int, int]) -> str:
    """The seconds of each build and how many steps ran. It never says "faster": one run of each proves no such difference."""
    first, second = numbers
    for number, build in ((first, before), (second, after)):
        if build.outcome != "done":
            took = seconds_text(build.seconds)
            if build.outcome == "cancelled":
                return message(
                    "Build {number} was cancelled after {seconds}, so its time cannot be compared.", number=number, seconds=took
                )
            return message(
                "Build {number} failed after {seconds}, so its time cannot be compared.", number=number, seconds=took
            )
    return message(
        "Build {after} took {after_seconds} ({after_work}), build {before} {before_seconds} ({before_work}).",
        after=second,
        after_seconds=seconds_text(after.seconds),
        after_work=steps_that_ran(after),
        before=first,
        before_seconds=seconds_text(before.seconds),
        before_work=steps_that_ran(before),
    )


def _saved(before: Build, after: Build, reasons: Mapping[int, Reason]) -> list[ExplainedStep]:
    """The steps that took longest before and are cached now, each with its cause."""
    earlier_steps = dict(_keyed(before))
    pairs = [(earlier_steps[key], step) for key, step in _keyed(after) if step.cached and key in earlier_steps]
    saved_pairs = [
        (old, new) for old, new in pairs if old.state == "ran" and old.seconds >= WORTH_NAMING_SECONDS and new.line in reasons
    ]
    saved_pairs.sort(key=lambda pair: -pair[0].seconds)
    return [
        ExplainedStep(
            "hit",
            short_instruction(new.instruction),
            now_cached(seconds_text(old.seconds), why=why_cached(new.line or 0, reasons, after.dockerfile)),
        )
        for old, new in saved_pairs[:SAVED_STEPS_NAMED]
    ]


def _costly(after: Build, reasons: Mapping[int, Reason]) -> list[ExplainedStep]:
    """The step that took longest, with the change that made it run; [] when no step took long or its cause is unknown."""
    ran = [step for step in after.instructions if step.ran and step.seconds >= WORTH_NAMING_SECONDS and step.line in reasons]
    longest = max(ran, key=lambda step: step.seconds, default=None)
    sentence = "" if longest is None else why_ran(longest.line or 0, reasons, seconds_text(longest.seconds))
    if longest is None or not sentence:
        return []
    return [ExplainedStep("run", short_instruction(longest.instruction), sentence)]


def _keyed(build: Build) -> list[tuple[tuple[str, str, int], Step]]:
    """The steps of a build, each with its stage, its text, and how many equal steps come before it in the stage."""
    equal_steps: Counter[tuple[str, str]] = Counter()
    keyed = []
    for step in build.instructions:
        if step.state == "no-step":
            continue
        # A line is no key, as an edit moves lines. A stage may have the same instruction twice, so equal ones are counted.
        name = (step.stage, step.instruction)
        keyed.append(((*name, equal_steps[name]), step))
        equal_steps[name] += 1
    return keyed


def _state(step: Step | None) -> ComparedState | None:
    return None if step is None else ComparedState(step.state, round(step.seconds, 3))


def _change(before: Step | None, after: Step | None) -> tuple[str, Tone]:
    if before is None:
        return message("new step"), ""
    if after is None:
        return message("step removed"), ""
    if before.state == after.state:
        return "", ""
    if after.state == "failed":
        return message("✗ failed"), "bad"
    if after.cached:
        return message("✓ now cached"), "hit"
    if before.cached and after.ran:
        return message("↻ runs again"), "run"
    if after.state == "waiting":
        return message("not reached"), ""
    if after.state == "unclear":
        return message("not told apart"), ""
    return message("now {state}", state=STATES[after.state].word), ""


def _steps_fact(rows: Sequence[ComparedStep]) -> str:
    changes = Counter(row.tone for row in rows)
    cached = plural("{count} step now comes from the cache", "{count} steps now come from the cache", changes["hit"])
    again = plural("{count} step runs again", "{count} steps run again", changes["run"])
    if changes["hit"] and changes["run"]:
        return message("{cached}, {again}.", cached=cached, again=again)
    if changes["hit"] or changes["run"]:
        return message("{fact}.", fact=cached if changes["hit"] else again)
    return message("No step changed between cached and run.")


def _size_fact(before: Build, after: Build) -> str:
    if before.image_bytes is None or after.image_bytes is None:
        return ""
    if before.image_bytes == after.image_bytes:
        return message("The image is {size} both times.", size=bytes_text(after.image_bytes))
    change = after.image_bytes - before.image_bytes
    old_size, new_size, difference = (bytes_text(size) for size in (before.image_bytes, after.image_bytes, abs(change)))
    if change > 0:
        return message("Image {before} → {after}, {difference} more.", before=old_size, after=new_size, difference=difference)
    return message("Image {before} → {after}, {difference} less.", before=old_size, after=new_size, difference=difference)


def _layer_fact(before: Build, after: Build) -> str:
    if not before.layers or not after.layers:
        return ""
    old, new = (Counter((layer.command, layer.size_bytes) for layer in build.layers) for build in (before, after))
    # Layers have no identity across builds: two with the same command and size count as the same layer.
    differing = list((new - old).elements())
    counts = {"before": len(before.layers), "after": len(after.layers)}
    if not differing:
        return message("Layers {before} → {after}, equal in size.", **counts)
    size = bytes_text(sum(size for _, size in differing))
    return plural(
        "Layers {before} → {after}; {count} differs in size, now {size}.",
        "Layers {before} → {after}; {count} differ in size, now {size}.",
        len(differing),
        size=size,
        **counts,
    )
