"""The paths between the steps of a build, and how far a miss spread along each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from speedkit.causes import Evicted, Line, NewToCache, NotInThatCache, OtherBuilder, OtherBytes
from speedkit.model import StepSource
from speedkit.rendering import Reason

__all__ = ["RUN_STATES", "MissPath", "Travel", "trace_misses"]

Travel = Literal["carried", "stopped", "perhaps", "quiet"]
"""`carried`: the miss spread along the path. `stopped`: it ended here, because the bytes came out the same. `perhaps`: only the
build will show which of the two. `quiet`: there was no miss to spread."""

RUN_STATES = frozenset({"ran", "failed", "cancelled", "miss"})
NOT_PASSED_ON = NewToCache | Evicted | NotInThatCache | OtherBuilder
"""Causes of a miss that do not come from another step."""


@dataclass(frozen=True, slots=True)
class MissPath:
    """A step takes something from an earlier one. source, target: the lines of the two.

    how: what it takes: the file system of the step before, a stage or image (FROM), files (COPY), or a mount.
    """

    source: int
    target: int
    how: Literal["before", "from", "copy", "mount"]
    travel: Travel


def trace_misses(reasons: Sequence[Reason]) -> tuple[MissPath, ...]:
    """The paths into each step, in the order of the Dockerfile."""
    by_line = {reason.line: reason for reason in reasons}
    openings = {reason.stage: reason.line for reason in reversed(reasons) if reason.instruction.startswith("FROM ")}
    paths = []
    for reason in reasons:
        for source in reason.sources:
            before = by_line[source.line]
            # The first step of a stage builds on the last step of another stage. A reader sees the FROM between them.
            is_through_from = source.how == "before" and before.stage != reason.stage
            line = openings.get(reason.stage, source.line) if is_through_from else source.line
            paths.append(MissPath(line, reason.line, source.how, _travel(before, reason, source)))
    return tuple(paths)


def _travel(before: Reason, reason: Reason, source: StepSource) -> Travel:
    if source.how == "from":
        return "carried" if before.state in RUN_STATES and not isinstance(before.cause, NOT_PASSED_ON) else "quiet"
    if reason.state == "depends" and before.state in {*RUN_STATES, "depends"}:
        return "perhaps"
    if before.state not in RUN_STATES:
        return "quiet"
    if reason.state not in RUN_STATES:
        # COPY --from and mounts count by content: equal bytes stop a miss. A step counts the step before it by its cache key.
        return "stopped" if source.by_bytes else "quiet"
    if source.by_bytes:
        has_other_bytes = isinstance(reason.cause, OtherBytes) and Line(source.line) in reason.cause.sources
        return "carried" if has_other_bytes else "quiet"
    return "quiet" if isinstance(reason.cause, NOT_PASSED_ON) else "carried"
