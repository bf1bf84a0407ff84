"""Which steps of one build are one and the same for the builder: it runs them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from speedkit.forecast.plan import Plan, PlannedStep
    from speedkit.forecast.vertices import Vertex

__all__ = ["Equals"]


class Equals:
    """The steps of a plan by what they do and to what."""

    def __init__(self, plan: Plan) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, int] = {}
        self._lines: dict[int, list[int]] = {}
        for step in plan.steps:
            if step.vertex is not None and step.vertex.line:
                self._lines.setdefault(self._number(step.vertex), []).append(step.vertex.line)

    def of(self, step: PlannedStep) -> tuple[int, ...]:
        """The lines of the other steps that are the same as this one."""
        if step.vertex is None or not step.vertex.line:
            return ()
        return tuple(line for line in self._lines[self._number(step.vertex)] if line != step.vertex.line)

    def _number(self, vertex: Vertex) -> int:
        """The same for equal vertices, another one for others."""
        if id(vertex) not in self._known:
            inputs = tuple((self._number(given.vertex), given.selectors) for given in vertex.inputs)
            self._known[id(vertex)] = self._numbers.setdefault((vertex.operation, inputs), len(self._numbers))
        return self._known[id(vertex)]
