"""Two builds of a workbench side by side: which steps changed between cached and run and why, seconds, size, layers."""

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

__all__ = ["BuildComparison", "ComparedState", "ComparedStep", "Reasoned", "compare_two"]

SAVED_STEPS_NAMED = 2
WORTH_NAMING_SECONDS = 0.2
Tone = Literal["", "hit", "run", "bad"]


@dataclass(frozen=True, slots=True)
class ComparedState:
    """What became of a step in one of two builds."""

    state: StepState
    seconds: float


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """A step in both builds; None on a side for a build that has no such step. change: "" where nothing changed."""

    stage: str
    text: str
    before: ComparedState | None
    after: ComparedState | None
    change: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A step that was saved or that cost most, and a sentence that says why."""

    tone: Tone
    step: str
    sentence: str


@dataclass(frozen=True, slots=True)
class BuildComparison:
    """What changed from one build to another. before, after: their numbers. facts: sentences about steps, size and layers."""

    before: int
    after: int
    finding: str
    why: tuple[Reasoned, ...]
    facts: tuple[str, ...]
    rows: tuple[ComparedStep, ...]


def compare_two(
    before: Build, after: Build, *, numbers: tuple[int, int], reasons: Mapping[int, Reason] | None = None
) -> BuildComparison:
    """What changed from one build to the other.

    numbers: how the session calls them. reasons: why each step of the later one was cached or ran, by line.
    """
    rows = _rows(before, after)
    facts = (_steps_fact(rows), _size_fact(before, after), _layer_fact(before, after))
    return BuildComparison(
        *numbers,
        finding=_finding(before, after, numbers),
        why=(*_saved(before, after, reasons or {}), *_costly(after, reasons or {})),
        facts=tuple(fact for fact in facts if fact),
        rows=rows,
    )


def _finding(before: Build, after: Build, numbers: tuple[int, int]) -> str:
    """What each build took and had to do. Nothing is called quicker: one run each proves no difference in seconds."""
    first, second = numbers
    for number, build in ((first, before), (second, after)):
        if build.outcome != "done":
            took = seconds_text(build.seconds)
            if build.outcome == "cancelled":
                return message(
                    "Build {number} was cancelled after {seconds}: its time says nothing.", number=number, seconds=took
                )
            return message("Build {number} failed after {seconds}: its time says nothing.", number=number, seconds=took)
    return message(
        "Build {after} took {after_seconds} ({after_work}), build {before} {before_seconds} ({before_work}).",
        after=second,
        after_seconds=seconds_text(after.seconds),
        after_work=steps_that_ran(after),
        before=first,
        before_seconds=seconds_text(before.seconds),
        before_work=steps_that_ran(before),
    )


def _saved(before: Build, after: Build, reasons: Mapping[int, Reason]) -> list[Reasoned]:
    """The steps that took the longest before and are cached now, each with its reason."""
    earlier = dict(_keyed(before))
    pairs = [
        (earlier[key], step) for key, step in _keyed(after) if step.cached and key in earlier and earlier[key].state == "ran"
    ]
    worth = [(old, new) for old, new in pairs if old.seconds >= WORTH_NAMING_SECONDS and new.line in reasons]
    worth.sort(key=lambda pair: -pair[0].seconds)
    return [
        Reasoned(
            "hit",
            short_instruction(new.instruction),
            now_cached(seconds_text(old.seconds), why=why_cached(new.line or 0, reasons, after.dockerfile)),
        )
        for old, new in worth[:SAVED_STEPS_NAMED]
    ]


def _costly(after: Build, reasons: Mapping[int, Reason]) -> list[Reasoned]:
    """The step that took the longest, with the change that made it run."""
    ran = [step for step in after.instructions if step.ran and step.seconds >= WORTH_NAMING_SECONDS and step.line in reasons]
    longest = max(ran, key=lambda step: step.seconds, default=None)
    sentence = "" if longest is None else why_ran(longest.line or 0, reasons, seconds_text(longest.seconds))
    if longest is None or not sentence:
        return []
    return [Reasoned("run", short_instruction(longest.instruction), sentence)]


def _rows(before: Build, after: Build) -> tuple[ComparedStep, ...]:
    """A row per step of either build, in the later one's order; equal instructions of a stage pair up in turn."""
    earlier = dict(_keyed(before))
    later = dict(_keyed(after))
    keys = [*later, *(key for key in earlier if key not in later)]
    return tuple(_row(key, earlier.get(key), later.get(key)) for key in keys)


def _keyed(build: Build) -> list[tuple[tuple[str, str, int], Step]]:
    times: Counter[tuple[str, str]] = Counter()
    keyed = []
    for step in build.instructions:
        if step.state == "no-step":
            continue
        name = (step.stage, step.instruction)
        keyed.append(((*name, times[name]), step))
        times[name] += 1
    return keyed


def _row(key: tuple[str, str, int], before: Step | None, after: Step | None) -> ComparedStep:
    return ComparedStep(key[0], key[1], _side(before), _side(after), *_change(before, after))


def _side(step: Step | None) -> ComparedState | None:
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
    was, now, difference = (bytes_text(size) for size in (before.image_bytes, after.image_bytes, abs(change)))
    if change > 0:
        return message("Image {before} → {after}, {difference} more.", before=was, after=now, difference=difference)
    return message("Image {before} → {after}, {difference} less.", before=was, after=now, difference=difference)


def _layer_fact(before: Build, after: Build) -> str:
    if not before.layers or not after.layers:
        return ""
    old, new = (Counter((layer.command, layer.size_bytes) for layer in build.layers) for build in (before, after))
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
