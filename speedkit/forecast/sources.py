"""What each step of a plan takes from earlier lines: the ways along which a miss can travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from speedkit.dockerfile import mounts_of
from speedkit.model import StepSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.dockerfile import Instruction
    from speedkit.forecast.plan import Plan, PlannedStep
    from speedkit.forecast.vertices import Vertex

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
        if step.vertex is not None:
            found += _of_vertex(step.vertex, step.instruction.keyword)
        return tuple(dict.fromkeys(source for source in found if source.line))


def _of_vertex(vertex: Vertex, keyword: str) -> Iterator[StepSource]:
    if keyword == "FROM":
        yield StepSource(vertex.line, "from")
        return
    # `COPY --link` is two vertices on one line, of which the one reads the files and the other joins them to the stage.
    parts = [given.vertex for given in vertex.inputs if given.vertex.line == vertex.line]
    for given in (given for one in (vertex, *parts) for given in one.inputs if given.vertex not in parts):
        yield StepSource(given.vertex.line, _HOW.get(keyword, "copy") if given.by_content else "before")


def _stages_without_steps(plan: Plan) -> Iterator[tuple[str, int]]:
    """Name, and number, of each stage that is used but runs nothing, with the line of its FROM."""
    busy = {step.instruction.stage for step in plan.steps if step.vertex and step.instruction.keyword != "FROM"}
    openings = {step.instruction.stage: step for step in plan.steps if step.instruction.keyword == "FROM" and step.needed}
    for stage in plan.situation.dockerfile.stages:
        opening = openings.get(stage.index)
        if opening is not None and stage.index not in busy and not (opening.vertex and opening.vertex.line):
            yield stage.name, stage.line
            yield str(stage.index), stage.line


def _stages_named(instruction: Instruction) -> Iterator[str]:
    if instruction.keyword == "FROM":
        yield instruction.args[0].lower()
    elif instruction.keyword == "RUN":
        yield from (mount.origin.lower() for mount in mounts_of(instruction))
    else:
        yield (instruction.flag("from") or "").lower()
