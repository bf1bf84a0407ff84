"""The earlier lines that each step of a plan starts from or reads: the ways along which a cache miss can travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from speedkit.dockerfile import mounts_of
from speedkit.model import StepSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.dockerfile import Instruction

    from .frontend import Plan, PlannedStep

__all__ = ["StepSources"]

_HOW: dict[str, Literal["from", "copy", "mount"]] = {"FROM": "from", "RUN": "mount"}


class StepSources:
    """Finds the sources of the steps of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._stages_without_steps = dict(_stages_without_steps(plan))

    def of(self, step: PlannedStep) -> tuple[StepSource, ...]:
        """The instructions that a step starts from or reads, each once."""
        if not step.needed:
            return ()
        how = _HOW.get(step.instruction.keyword, "copy")
        lines = self._stages_without_steps
        sources = [StepSource(lines[name], how) for name in _stages_named(step.instruction) if name in lines]
        if step.instruction.keyword == "FROM":
            sources += [StepSource(step.parent.line, "from")] if step.parent is not None else []
        elif step.vertex is not None:
            sources += [StepSource(edge.vertex.line, how if edge.by_content else "before") for edge in step.vertex.inputs]
        return tuple(dict.fromkeys(source for source in sources if source.line))


def _stages_without_steps(plan: Plan) -> Iterator[tuple[str, int]]:
    """Name, and number, of each stage that is used but runs nothing, with the line of its FROM.

    Such a stage has no vertex with a line of its own, so the inputs of the steps that use it do not tell of it.
    """
    with_steps = {step.instruction.stage for step in plan.steps if step.vertex and step.instruction.keyword != "FROM"}
    openings = {step.instruction.stage: step for step in plan.steps if step.instruction.keyword == "FROM" and step.needed}
    for stage in plan.situation.dockerfile.stages:
        opening = openings.get(stage.index)
        if opening is not None and stage.index not in with_steps and not (opening.parent and opening.parent.line):
            yield stage.name, stage.line
            yield str(stage.index), stage.line


def _stages_named(instruction: Instruction) -> Iterator[str]:
    """The names in FROM, `--mount=from=` or `--from`, in small letters, as BuildKit compares them."""
    if instruction.keyword == "FROM":
        yield instruction.args[0].lower()
    elif instruction.keyword == "RUN":
        yield from (mount.origin.lower() for mount in mounts_of(instruction))
    else:
        yield (instruction.flag("from") or "").lower()
