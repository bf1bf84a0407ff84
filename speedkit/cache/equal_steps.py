"""Which steps of one build are one and the same for the builder: it runs them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .frontend import Plan, PlannedStep
    from .vertices import Vertex

__all__ = ["Equals"]


class Equals:
    """The steps of a plan by what they do and to what."""

    def __init__(self, plan: Plan) -> None:
        self._keys = _Numbers(named_images=False)
        self._told = _Numbers(named_images=True)
        self._same: dict[int, list[Vertex]] = {}
        for step in plan.steps:
            if step.vertex is not None and step.vertex.line:
                self._same.setdefault(self._keys.of(step.vertex), []).append(step.vertex)

    def of(self, step: PlannedStep) -> tuple[int, ...]:
        """The lines of the other steps that are the same as this one."""
        return tuple(vertex.line for vertex in self._others(step))

    def apart(self, step: PlannedStep) -> tuple[int, ...]:
        """Those of them that BuildKit only finds to be the same as it goes: they stand on an image of another name."""
        return tuple(
            vertex.line for vertex in self._others(step) if step.vertex and self._told.of(vertex) != self._told.of(step.vertex)
        )

    def _others(self, step: PlannedStep) -> list[Vertex]:
        if step.vertex is None or not step.vertex.line:
            return []
        return [vertex for vertex in self._same[self._keys.of(step.vertex)] if vertex.line != step.vertex.line]


class _Numbers:
    """The same number for equal vertices, another one for others. named_images: the name of an image counts, too."""

    def __init__(self, *, named_images: bool) -> None:
        self._named_images = named_images
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, int] = {}

    def of(self, vertex: Vertex) -> int:
        if id(vertex) not in self._known:
            inputs = tuple((self.of(given.vertex), given.selectors) for given in vertex.inputs)
            name = vertex.parts.get("name") if self._named_images and vertex.kind == "image" else None
            self._known[id(vertex)] = self._numbers.setdefault((vertex.operation, inputs, name), len(self._numbers))
        return self._known[id(vertex)]
