"""A forecast in a few words: counts of steps, the expected time, the step that takes most of it; and whether it was right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speedkit.messages import facts_in_one, message, plural
from speedkit.words import FORECASTS, seconds_text

if TYPE_CHECKING:
    from speedkit.model import Build

__all__ = ["Outlook", "agreement", "expected_time", "outlook_of", "rough_seconds", "with_notes"]

Entry = Mapping[str, Any]

WORTH_NAMING = 0.5
"""One step is named when it takes at least this share of the expected time."""
SHORTEST_NAMED_SECONDS = 1.0
SHORTEST_SHOWN_SECONDS = 0.1


def with_notes(forecast: Sequence[Entry]) -> list[dict[str, Any]]:
    """The forecast with a `note` in each entry, which stands beside the step: `main.go, ≈ 27 s` or `saves 2.3 s`."""
    return [{**entry, "note": _note(entry)} for entry in forecast]


def _note(entry: Entry) -> str:
    usual = entry.get("usual") or 0.0
    if entry["forecast"] == "hit":
        return message("saves {seconds}", seconds=rough_seconds(usual)) if usual >= SHORTEST_SHOWN_SECONDS else ""
    expected = message("≈ {seconds}", seconds=rough_seconds(usual)) if usual >= SHORTEST_NAMED_SECONDS else ""
    return facts_in_one(part for part in (entry.get("short", ""), expected) if part)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast of the next build in the parts of a sentence.

    cached, runs, depends: numbers of steps. expected_time: as from `expected_time`. why: the step that takes most of it, or "".
    """

    cached: int
    runs: int
    depends: int
    expected_time: str
    why: str


def outlook_of(forecast: Sequence[Entry]) -> Outlook | None:
    """The outlook of a forecast; None for an empty one."""
    verdicts = [entry["forecast"] for entry in forecast if entry["forecast"] in FORECASTS]
    if not verdicts:
        return None
    runs = [entry for entry in forecast if entry["forecast"] == "miss"]
    total_seconds = sum(entry.get("seconds") or 0.0 for entry in runs)
    longest = max(runs, key=lambda entry: entry.get("seconds") or 0.0, default=None)
    longest_seconds = 0.0 if longest is None else longest.get("seconds") or 0.0
    why = ""
    if longest is not None and total_seconds >= SHORTEST_NAMED_SECONDS and longest_seconds >= WORTH_NAMING * total_seconds:
        why = message("line {line} runs again", line=longest["line"])
    return Outlook(verdicts.count("hit"), len(runs), verdicts.count("depends"), expected_time(forecast), why)


def expected_time(forecast: Sequence[Entry]) -> str:
    """`about 31 s`, the sum of earlier times of the steps that would run; "" when no earlier time is in the recordings."""
    runs = [entry for entry in forecast if entry["forecast"] == "miss"]
    earlier_seconds = [entry["seconds"] for entry in runs if entry.get("seconds") is not None]
    if not earlier_seconds or sum(earlier_seconds) < SHORTEST_SHOWN_SECONDS:
        return ""
    # A step that never ran has no expected time: the build takes at least as long as the other steps together.
    total = rough_seconds(sum(earlier_seconds))
    if len(earlier_seconds) < len(runs):
        return message("at least {seconds}", seconds=total)
    return message("about {seconds}", seconds=total)


def rough_seconds(seconds: float) -> str:
    """An expected time, with two digits at most below 100 seconds: `0.4 s`, `31 s`, `2 min 5 s`."""
    if seconds >= 99.5:
        return seconds_text(seconds)
    shown = f"{seconds:.0f}" if seconds >= 9.5 else f"{seconds:.1f}"
    return message("{seconds} s", seconds=shown)


def agreement(forecast: Sequence[Entry] | None, build: Build) -> str:
    """In how many steps of a successful build the forecast was right, as a sentence; "" without a forecast."""
    if not forecast or build.outcome != "done":
        return ""
    # A FROM and the ONBUILD triggers of its image share a line. The FROM is the first of them, and counts.
    forecasts = {entry["line"]: entry["forecast"] for entry in reversed(forecast) if entry["forecast"] in ("hit", "miss")}
    own_steps = [step for step in build.instructions if not step.triggered]
    compared_steps = [step for step in own_steps if step.line in forecasts and step.state in ("cached", "ran")]
    right = sum((forecasts[step.line] == "hit") == step.cached for step in compared_steps if step.line is not None)
    if not compared_steps:
        return ""
    if right == len(compared_steps):
        return plural("As forecast.", "As forecast: all {count} steps.", right)
    return plural(
        "The forecast was right for {right} of {count} step.",
        "The forecast was right for {right} of {count} steps.",
        len(compared_steps),
        right=right,
    )
