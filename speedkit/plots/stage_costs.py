"""The stages of a replayed history's newest Dockerfile as a graph: how often each step ran, and for how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from speedkit.data_frame import Frame
from speedkit.history import MissPath, Travel
from speedkit.messages import listed, message, plural
from speedkit.words import seconds_text

from .history_cost import measured_words
from .plot import Plot
from .stage_graph import INSTRUCTION_LETTERS, Row, crosses, draw, placed_rows
from .style import short_instruction

if TYPE_CHECKING:
    from speedkit.replays import HistoryStep, Replay, ReplayedCommit

__all__ = ["stage_costs"]

_STEPS = ("RUN ", "COPY ", "ADD ", "WORKDIR ")
"""Instructions that BuildKit has to run. Others only set something, and are not drawn."""


def stage_costs(replay: Replay) -> Plot:
    """The steps of the newest Dockerfile by stage, each with the commits that ran it and its seconds.

    A line between stages is thick where most of the commits that ran its beginning also ran its end. Commits with another
    Dockerfile count for the instructions that both have.
    """
    newest = next((one.dockerfile for one in reversed(replay.commits) if one.dockerfile is not None), None)
    steps = [
        step
        for step in (newest.steps if newest is not None else ())
        if step.instruction.upper().startswith(_STEPS) or _is_from(step)
    ]
    runs, misses, seconds = _counts(replay.commits)
    rows = placed_rows(
        Row(
            step.line,
            step.stage,
            step.instruction,
            "ran" if runs[step.instruction] else "cached",
            "" if _is_from(step) else _words(runs[step.instruction], len(replay.commits), seconds.get(step.instruction, [])),
            _tooltip(step, runs, misses, len(replay.commits)),
            is_opening=_is_from(step),
        )
        for step in steps
    )
    ways = _ways(steps, replay.commits)
    figure = draw(
        rows,
        ways,
        title=_finding(steps, misses, len(replay.commits)),
        measured=measured_words(replay, message("lines between stages are thick where most misses go along them")),
    )
    sources = {step.line: [way.source for way in ways if way.target == step.line and crosses(way, rows)] for step in steps}
    table = Frame(
        [
            [
                step.line,
                step.stage,
                step.instruction,
                runs[step.instruction],
                misses[step.instruction],
                median(seconds[step.instruction]) if seconds.get(step.instruction) else None,
                sum(seconds.get(step.instruction, [])) / 60 if seconds else None,
                listed(message("line {number}", number=line) for line in sources[step.line]),
            ]
            for step in steps
        ],
        columns=["line", "stage", "instruction", "runs", "misses", "median_seconds", "minutes", "takes_from"],
    )
    return Plot(figure, table)


def _is_from(step: HistoryStep) -> bool:
    return step.instruction.upper().startswith("FROM ")


def _counts(commits: Sequence[ReplayedCommit]) -> tuple[Counter[str], Counter[str], dict[str, list[float]]]:
    """By instruction: how many commits ran it, at how many a miss began in it, and its seconds at each commit that ran it."""
    runs: Counter[str] = Counter()
    misses: Counter[str] = Counter()
    seconds: dict[str, list[float]] = {}
    for commit in commits:
        if commit.dockerfile is None:
            continue
        runs.update({step.instruction for step in commit.verdicts.ran})
        misses.update({commit.dockerfile.steps[origin].instruction for origin in commit.verdicts.origins().values()})
        for step in commit.verdicts.ran:
            if step.number in commit.step_seconds:
                seconds.setdefault(step.instruction, []).append(commit.step_seconds[step.number])
    return runs, misses, seconds


def _ways(steps: Sequence[HistoryStep], commits: Sequence[ReplayedCommit]) -> list[MissPath]:
    by_line = {step.line: step for step in steps}
    ran = [{step.instruction for step in commit.verdicts.ran} for commit in commits]
    ways = []
    for step in steps:
        for source in step.sources:
            if source.line not in by_line:
                continue
            start = by_line[source.line].instruction
            both = sum(start in run and step.instruction in run for run in ran)
            starts = sum(start in run for run in ran)
            travel: Travel = "quiet" if not both else "carried" if 2 * both > starts else "perhaps"
            ways.append(MissPath(source.line, step.line, source.how, travel))
    return ways


def _words(runs: int, commits: int, seconds: Sequence[float]) -> str:
    if not runs:
        return message("always cached")
    if not seconds:
        return message("ran at {runs:,} of {count:,} commits", runs=runs, count=commits)
    return message(
        "ran at {runs:,} of {count:,} commits, {seconds} each", runs=runs, count=commits, seconds=seconds_text(median(seconds))
    )


def _tooltip(step: HistoryStep, runs: Mapping[str, int], misses: Mapping[str, int], commits: int) -> str:
    began = plural("{count:,} time a miss began here", "{count:,} times a miss began here", misses[step.instruction])
    ran = message("ran at {runs:,} of {count:,} commits", runs=runs[step.instruction], count=commits)
    return f"{step.stage}: {step.instruction}\n{ran}; {began}"


def _finding(steps: Sequence[HistoryStep], misses: Mapping[str, int], commits: int) -> str:
    worst = max(steps, key=lambda step: misses[step.instruction], default=None)
    if worst is None or not misses[worst.instruction]:
        return message("No step ran at any of these commits")
    return message(
        "{misses:,} of {count:,} commits miss at line {line}, {instruction}",
        misses=misses[worst.instruction],
        count=commits,
        line=worst.line,
        instruction=short_instruction(worst.instruction, INSTRUCTION_LETTERS),
    )
