"""The steps of one build that are equal for BuildKit, which runs them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .frontend import Plan, PlannedStep
    from .vertices import Vertex

__all__ = ["EqualSteps"]


class EqualSteps:
    """The steps of a plan, grouped by operation and inputs."""

    def __init__(self, plan: Plan) -> None:
        self._keys = _VertexNumbers(count_image_names=False)
        self._digests = _VertexNumbers(count_image_names=True)
        self._groups: dict[int, list[Vertex]] = {}
        for step in plan.steps:
            if step.vertex is not None and step.vertex.line:
                self._groups.setdefault(self._keys.of(step.vertex), []).append(step.vertex)

    def lines(self, step: PlannedStep) -> tuple[int, ...]:
        """The lines of the other steps that are equal to this one."""
        return tuple(vertex.line for vertex in self._others(step))

    def lines_on_other_images(self, step: PlannedStep) -> tuple[int, ...]:
        """The lines of the equal steps that stand on an image of another name.

        Steps on one image have one digest, so they are one vertex. Those on two images of equal layers are two vertices with
        one cache key: BuildKit notices it only when it computes the keys during the build.
        """
        vertex = step.vertex
        return tuple(
            other.line for other in self._others(step) if vertex and self._digests.of(other) != self._digests.of(vertex)
        )

    def _others(self, step: PlannedStep) -> list[Vertex]:
        if step.vertex is None or not step.vertex.line:
            return []
        return [vertex for vertex in self._groups[self._keys.of(step.vertex)] if vertex.line != step.vertex.line]


class _VertexNumbers:
    """Numbers vertices: equal vertices have the same number. count_image_names: the name of an image counts, too."""

    def __init__(self, *, count_image_names: bool) -> None:
        self._count_image_names = count_image_names
        self._numbers: dict[Hashable, int] = {}
        self._by_identity: dict[int, int] = {}

    def of(self, vertex: Vertex) -> int:
        if id(vertex) not in self._by_identity:
            # A number stands for each input: stages that copy from each other would make nested keys of exponential size.
            inputs = tuple((self.of(edge.vertex), edge.selectors) for edge in vertex.inputs)
            name = vertex.parts.get("name") if self._count_image_names and vertex.kind == "image" else None
            key = (vertex.operation, inputs, name)
            self._by_identity[id(vertex)] = self._numbers.setdefault(key, len(self._numbers))
        return self._by_identity[id(vertex)]
