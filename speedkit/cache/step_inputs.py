"""What each step of a plan takes from earlier lines: the ways along which a miss can travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from speedkit.dockerfile import mounts_of
from speedkit.model import StepSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.dockerfile import Instruction

    from .frontend import Plan, PlannedStep

__all__ = ["Sources"]

_HOW: dict[str, Literal["from", "copy", "mount"]] = {"FROM": "from", "RUN": "mount"}


class Sources:
    """Finds the sources of the steps of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._bare = dict(_stages_without_steps(plan))

    def of(self, step: PlannedStep) -> tuple[StepSource, ...]:
        """The instructions that a step takes something from, each once."""
        if not step.needed:
            return ()
        how = _HOW.get(step.instruction.keyword, "copy")
        found = [StepSource(self._bare[name], how) for name in _stages_named(step.instruction) if name in self._bare]
        if step.instruction.keyword == "FROM":
            found += [StepSource(step.parent.line, "from")] if step.parent is not None else []
        elif step.vertex is not None:
            found += [StepSource(given.vertex.line, how if given.by_content else "before") for given in step.vertex.inputs]
        return tuple(dict.fromkeys(source for source in found if source.line))


def _stages_without_steps(plan: Plan) -> Iterator[tuple[str, int]]:
    """Name, and number, of each stage that is used but runs nothing, with the line of its FROM."""
    busy = {step.instruction.stage for step in plan.steps if step.vertex and step.instruction.keyword != "FROM"}
    openings = {step.instruction.stage: step for step in plan.steps if step.instruction.keyword == "FROM" and step.needed}
    for stage in plan.situation.dockerfile.stages:
        opening = openings.get(stage.index)
        if opening is not None and stage.index not in busy and not (opening.parent and opening.parent.line):
            yield stage.name, stage.line
            yield str(stage.index), stage.line


def _stages_named(instruction: Instruction) -> Iterator[str]:
    if instruction.keyword == "FROM":
        yield instruction.args[0].lower()
    elif instruction.keyword == "RUN":
        yield from (mount.origin.lower() for mount in mounts_of(instruction))
    else:
        yield (instruction.flag("from") or "").lower()
