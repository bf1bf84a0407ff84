"""The ways between the steps of a build, and how far a miss travelled along each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from speedkit.causes import Evicted, Line, New, OtherBuilder, OtherBytes
from speedkit.model import StepSource
from speedkit.rendering import Reason

__all__ = ["RUNS", "Travel", "Way", "ways_of"]

Travel = Literal["carried", "stopped", "perhaps", "quiet"]
"""`carried`: the miss went this way. `stopped`: it came, and the bytes were the same. `perhaps`: that is not known yet."""

RUNS = frozenset({"ran", "failed", "cancelled", "miss"})
NOT_PASSED_ON = New | Evicted | OtherBuilder
"""The step runs for a cause that is not in what it takes from others."""


@dataclass(frozen=True, slots=True)
class Way:
    """A step takes something from an earlier one; both are named by their lines."""

    source: int
    target: int
    how: Literal["before", "from", "copy", "mount"]
    travel: Travel


def ways_of(reasons: Sequence[Reason]) -> tuple[Way, ...]:
    """Every way, in the order of the Dockerfile. The first step of a stage is reached through the stage's FROM."""
    by_line = {reason.line: reason for reason in reasons}
    openings = {reason.stage: reason.line for reason in reversed(reasons) if reason.instruction.startswith("FROM ")}
    found = []
    for reason in reasons:
        for source in reason.sources:
            before = by_line[source.line]
            crosses = source.how == "before" and before.stage != reason.stage
            line = openings.get(reason.stage, source.line) if crosses else source.line
            found.append(Way(line, reason.line, source.how, _travel(before, reason, source)))
    return tuple(found)


def _travel(before: Reason, reason: Reason, source: StepSource) -> Travel:
    if source.how == "from":
        return "carried" if before.state in RUNS and not isinstance(before.cause, NOT_PASSED_ON) else "quiet"
    if reason.state == "depends" and before.state in {*RUNS, "depends"}:
        return "perhaps"
    if before.state not in RUNS:
        return "quiet"
    if reason.state not in RUNS:
        return "stopped" if source.by_bytes else "quiet"
    if source.by_bytes:
        has_other_bytes = isinstance(reason.cause, OtherBytes) and Line(source.line) in reason.cause.sources
        return "carried" if has_other_bytes else "quiet"
    return "quiet" if isinstance(reason.cause, NOT_PASSED_ON) else "carried"
