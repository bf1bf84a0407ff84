"""What a forecast comes to: counts, the time to expect, and where most of it goes; and whether it came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speedkit.messages import message, plural
from speedkit.words import seconds_text

if TYPE_CHECKING:
    from speedkit.model import Build

__all__ = ["Outlook", "agreement", "expected_time", "noted", "outlook", "rough_seconds"]

Entry = Mapping[str, Any]

WORTH_NAMING = 0.5
"""The share of the whole from which one step is named as what takes the time."""
SHORTEST_NAMED_SECONDS = 1.0
SHORTEST_SAID_SECONDS = 0.1


def noted(forecast: Sequence[Entry]) -> list[dict[str, Any]]:
    """The forecast, each entry with a `note` for its step: `main.go, ≈ 27 s`, `saves 2.3 s`."""
    return [{**entry, "note": _note(entry)} for entry in forecast]


def _note(entry: Entry) -> str:
    usual = entry.get("usual") or 0.0
    if entry["forecast"] == "hit":
        return message("saves {seconds}", seconds=rough_seconds(usual)) if usual >= SHORTEST_SAID_SECONDS else ""
    about = message("≈ {seconds}", seconds=rough_seconds(usual)) if usual >= SHORTEST_NAMED_SECONDS else ""
    return ", ".join(part for part in (entry.get("short", ""), about) if part)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a build would do now, in the parts of a sentence.

    cached, runs, depends: how many steps. about: the time to expect, "" where no step that would run is known to have run
    before. why: what takes most of it.
    """

    cached: int
    runs: int
    depends: int
    about: str
    why: str


def outlook(forecast: Sequence[Entry]) -> Outlook | None:
    """What a forecast comes to; None without one."""
    if not forecast:
        return None
    verdicts = [entry["forecast"] for entry in forecast]
    runs = [entry for entry in forecast if entry["forecast"] == "miss"]
    return Outlook(verdicts.count("hit"), len(runs), verdicts.count("depends"), expected_time(forecast), _why(runs))


def expected_time(forecast: Sequence[Entry]) -> str:
    """`about 31 s`, from how long the steps that would run took before; "" where none is known to have run."""
    runs = [entry for entry in forecast if entry["forecast"] == "miss"]
    known = [entry["seconds"] for entry in runs if entry.get("seconds") is not None]
    if not known or sum(known) < SHORTEST_SAID_SECONDS:
        return ""
    # A step that never ran has no expected time: the whole takes at least what the others do.
    total = rough_seconds(sum(known))
    return (
        message("about {seconds}", seconds=total) if len(known) == len(runs) else message("at least {seconds}", seconds=total)
    )


def _why(runs: Sequence[Entry]) -> str:
    total = sum(entry.get("seconds") or 0.0 for entry in runs)
    longest = max(runs, key=lambda entry: entry.get("seconds") or 0.0, default=None)
    if longest is None or total < SHORTEST_NAMED_SECONDS or (longest.get("seconds") or 0.0) < WORTH_NAMING * total:
        return ""
    return message("line {line} runs again", line=longest["line"])


def rough_seconds(seconds: float) -> str:
    """A time that is only expected: `0.4 s`, `31 s`, `2 min 5 s`."""
    if seconds >= 99.5:
        return seconds_text(seconds)
    shown = f"{seconds:.0f}" if seconds >= 9.5 else f"{seconds:.1f}"
    return message("{seconds} s", seconds=shown)


def agreement(forecast: Sequence[Entry] | None, build: Build) -> str:
    """How many steps of a good build did what the forecast before it said; "" where there was none."""
    if not forecast or build.outcome != "done":
        return ""
    # A FROM stands before what ONBUILD does on its line.
    said = {entry["line"]: entry["forecast"] for entry in reversed(forecast) if entry["forecast"] in ("hit", "miss")}
    own = [step for step in build.instructions if not step.triggered]
    judged = [step for step in own if step.line in said and step.state in ("cached", "ran")]
    right = sum((said[step.line] == "hit") == step.cached for step in judged if step.line is not None)
    if not judged:
        return ""
    if right == len(judged):
        return plural("As forecast.", "As forecast: all {count} steps.", right)
    return plural(
        "The forecast was right for {right} of {count} step.",
        "The forecast was right for {right} of {count} steps.",
        len(judged),
        right=right,
    )
