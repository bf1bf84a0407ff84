"""Two builds of a workbench side by side: which steps changed between cached and run and why, seconds, size, layers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from speedkit.widgets.naming import short_instruction
from speedkit.widgets.why import why_cached, why_ran
from speedkit.words.amounts import bytes_text, seconds_text, steps_that_ran
from speedkit.words.causes import now_cached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speedkit.model import Build, Step
    from speedkit.rendering.reasons_html import Reason

__all__ = ["compare_two"]

Side = dict[str, Any] | None


SAVED_STEPS_NAMED = 2
WORTH_NAMING_SECONDS = 0.2


def compare_two(
    before: Build, after: Build, *, numbers: tuple[int, int], reasons: Mapping[int, Reason] | None = None
) -> dict[str, Any]:
    """What changed from one build to the other, as the page shows it.

    numbers: how the session calls them. reasons: why each step of the later one was cached or ran, by line.
    """
    rows = _rows(before, after)
    return {
        "before": numbers[0],
        "after": numbers[1],
        "finding": _finding(before, after, numbers),
        "why": [*_saved(before, after, reasons or {}), *_costly(after, reasons or {})],
        "facts": [fact for fact in (_steps_fact(rows), _size_fact(before, after), _layer_fact(before, after)) if fact],
        "rows": rows,
    }


def _finding(before: Build, after: Build, numbers: tuple[int, int]) -> str:
    """What each build took and had to do. Nothing is called quicker: one run each proves no difference in seconds."""
    first, second = numbers
    for number, build in ((first, before), (second, after)):
        if build.outcome != "done":
            word = "was cancelled" if build.outcome == "cancelled" else "failed"
            return f"Build {number} {word} after {seconds_text(build.seconds)}: its time says nothing."
    (one, other) = (f"{seconds_text(build.seconds)} ({steps_that_ran(build)})" for build in (before, after))
    return f"Build {second} took {other}, build {first} {one}."


def _saved(before: Build, after: Build, reasons: Mapping[int, Reason]) -> list[dict[str, str]]:
    """The steps that took the longest before and are cached now, each with its reason."""
    earlier = dict(_keyed(before))
    pairs = [
        (earlier[key], step) for key, step in _keyed(after) if step.cached and key in earlier and earlier[key].state == "ran"
    ]
    worth = [(old, new) for old, new in pairs if old.seconds >= WORTH_NAMING_SECONDS and new.line in reasons]
    worth.sort(key=lambda pair: -pair[0].seconds)
    return [
        {
            "tone": "hit",
            "step": short_instruction(new.instruction),
            "said": now_cached(seconds_text(old.seconds), why=why_cached(new.line or 0, reasons, after.dockerfile)),
        }
        for old, new in worth[:SAVED_STEPS_NAMED]
    ]


def _costly(after: Build, reasons: Mapping[int, Reason]) -> list[dict[str, str]]:
    """The step that took the longest, with the change that made it run."""
    ran = [step for step in after.instructions if step.ran and step.seconds >= WORTH_NAMING_SECONDS and step.line in reasons]
    longest = max(ran, key=lambda step: step.seconds, default=None)
    said = "" if longest is None else why_ran(longest.line or 0, reasons, seconds_text(longest.seconds))
    if longest is None or not said:
        return []
    return [{"tone": "run", "step": short_instruction(longest.instruction), "said": said}]


def _rows(before: Build, after: Build) -> list[dict[str, Any]]:
    """A row per step of either build, in the later one's order; equal instructions of a stage pair up in turn."""
    earlier = dict(_keyed(before))
    later = dict(_keyed(after))
    keys = [*later, *(key for key in earlier if key not in later)]
    return [_row(key, earlier.get(key), later.get(key)) for key in keys]


def _keyed(build: Build) -> list[tuple[tuple[str, str, int], Step]]:
    seen: Counter[tuple[str, str]] = Counter()
    keyed = []
    for step in build.instructions:
        if step.state == "no-step":
            continue
        name = (step.stage, step.instruction)
        keyed.append(((*name, seen[name]), step))
        seen[name] += 1
    return keyed


def _row(key: tuple[str, str, int], before: Step | None, after: Step | None) -> dict[str, Any]:
    change, tone = _change(before, after)
    return {
        "id": "\n".join(map(str, key)),
        "stage": key[0],
        "text": key[1],
        "before": _side(before),
        "after": _side(after),
        "change": change,
        "tone": tone,
    }


def _side(step: Step | None) -> Side:
    return None if step is None else {"state": step.state, "seconds": round(step.seconds, 3)}


def _change(before: Step | None, after: Step | None) -> tuple[str, str]:
    if before is None:
        return "new step", ""
    if after is None:
        return "step removed", ""
    if before.state == after.state:
        return "", ""
    if after.state == "failed":
        return "✗ failed", "bad"
    if after.cached:
        return "✓ now cached", "hit"
    if before.cached and after.ran:
        return "↻ runs again", "run"
    if after.state == "waiting":
        return "not reached", ""
    if after.state == "unclear":
        return "not told apart", ""
    return f"now {after.state}", ""


def _steps_fact(rows: list[dict[str, Any]]) -> str:
    words = {
        "✓ now cached": ("step now comes from the cache", "steps now come from the cache"),
        "↻ runs again": ("step runs again", "steps run again"),
    }
    found = Counter(row["change"] for row in rows)
    parts = [f"{found[change]} {forms[found[change] > 1]}" for change, forms in words.items() if found[change]]
    return f"{', '.join(parts)}." if parts else "No step changed between cached and run."


def _size_fact(before: Build, after: Build) -> str:
    if before.image_bytes is None or after.image_bytes is None:
        return ""
    if before.image_bytes == after.image_bytes:
        return f"The image is {bytes_text(after.image_bytes)} both times."
    change = after.image_bytes - before.image_bytes
    sizes = f"{bytes_text(before.image_bytes)} → {bytes_text(after.image_bytes)}"
    return f"Image {sizes}, {bytes_text(abs(change))} {'more' if change > 0 else 'less'}."


def _layer_fact(before: Build, after: Build) -> str:
    if not before.layers or not after.layers:
        return ""
    old, new = (Counter((layer.command, layer.size_bytes) for layer in build.layers) for build in (before, after))
    differing = list((new - old).elements())
    text = f"Layers {len(before.layers)} → {len(after.layers)}"
    if not differing:
        return f"{text}, equal in size."
    return f"{text}; {len(differing)} differ in size, now {bytes_text(sum(size for _, size in differing))}."
