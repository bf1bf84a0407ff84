"""Takes a plan through a memory: what the cache holds for each vertex, and what a build left there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speedkit.forecast.memory import Found, Memory
    from speedkit.forecast.plan import Plan
    from speedkit.forecast.vertices import Vertex
    from speedkit.model import StepState

__all__ = ["Walked", "remember", "walk"]

_SEEN: Mapping[StepState, bool] = MappingProxyType({"ran": True, "cached": False})
_BROKE_OFF = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, eq=False, slots=True)
class Walked:
    """A plan, and what the cache held for each of its vertices."""

    plan: Plan
    found: dict[int, Found]

    def of(self, vertex: Vertex) -> Found:
        return self.found[id(vertex)]


def walk(plan: Plan, memory: Memory) -> Walked:
    """What the cache holds for every vertex of a plan."""
    found: dict[int, Found] = {}
    for step in plan.steps:
        if step.vertex is not None:
            _find(step.vertex, memory, found)
    return Walked(plan, found)


def _find(vertex: Vertex, memory: Memory, found: dict[int, Found]) -> Found:
    known = found.get(id(vertex))
    if known is None:
        inputs = [_find(given.vertex, memory, found) for given in vertex.inputs]
        known = found[id(vertex)] = memory.find(vertex, inputs)
    return known


def remember(memory: Memory, plan: Plan) -> None:
    """Adds to the memory what a build of the plan left in the cache.

    On the line of a FROM there may stand an ONBUILD of its base too, so states of such lines say nothing.
    """
    openings = {stage.line for stage in plan.situation.dockerfile.stages}
    states = {line: state for line, state in (plan.situation.states or {}).items() if line not in openings}
    broke_off = not plan.situation.finished or bool(_BROKE_OFF & set(states.values()))
    learning = _Learning(memory, states, broke_off=broke_off)
    for step in plan.steps:
        if step.vertex is not None:
            learning.of(step.vertex)


class _Learning:
    """One build being added.

    A build that broke off reports steps as cached that it never found, and may have finished them all the same; what is
    reported to have run did run.
    """

    def __init__(self, memory: Memory, states: Mapping[int, StepState], *, broke_off: bool) -> None:
        self._memory = memory
        self._states = states
        self._broke_off = broke_off
        # A step that a person cancelled is not done; one cut off by the failure of another may be.
        self._perhaps_done = {"cached", "cancelled"} if "failed" in states.values() else {"cached"}
        self._left: dict[int, Found | None] = {}

    def of(self, vertex: Vertex) -> Found | None:
        """What the build left for a vertex; None when it did not come that far."""
        if id(vertex) not in self._left:
            self._left[id(vertex)] = self._learn(vertex)
        return self._left[id(vertex)]

    def _learn(self, vertex: Vertex) -> Found | None:
        inputs = [self.of(given.vertex) for given in vertex.inputs]
        given = [found for found in inputs if found is not None]
        if len(given) < len(inputs):
            return None
        state = self._states.get(vertex.line) if vertex.line and vertex.kind != "merge" else None
        if self._broke_off and vertex.line and state != "ran":
            found = self._memory.find(vertex, given)
            if not found.certain and state in self._perhaps_done:
                self._memory.suspect(vertex, given)
            return found if found.certain else None
        return self._memory.learn(vertex, given, ran=_SEEN.get(state or "waiting"))
