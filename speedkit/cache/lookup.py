"""Takes a plan through a memory: what the cache holds for each vertex, and what a build left there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speedkit.model import StepState

    from .contents import Found, Memory
    from .frontend import Plan
    from .vertices import Input, Vertex

__all__ = ["Walked", "proved", "remember", "walk"]

_SEEN: Mapping[StepState, bool] = MappingProxyType({"ran": True, "cached": False})


@dataclass(frozen=True, eq=False, slots=True)
class Walked:
    """A plan, and what the cache held for each of its vertices."""

    plan: Plan
    found: dict[int, Found]
    memory: Memory

    def of(self, vertex: Vertex) -> Found:
        return self.found[id(vertex)]

    def is_known(self, vertex: Vertex) -> bool:
        """Whether the same operation was built before, on whatever inputs."""
        return self.memory.knows(vertex)

    def led_nowhere(self, vertex: Vertex) -> Input | None:
        """The first input on which a known operation was never built; None when that goes for all of them together only."""
        return self.memory.led_nowhere(vertex, [self.of(given.vertex) for given in vertex.inputs])


def walk(plan: Plan, memory: Memory) -> Walked:
    """What the cache holds for every vertex of a plan."""
    found: dict[int, Found] = {}
    for step in plan.steps:
        if step.vertex is not None:
            _find(step.vertex, memory, found)
    return Walked(plan, found, memory)


def _find(vertex: Vertex, memory: Memory, found: dict[int, Found]) -> Found:
    known = found.get(id(vertex))
    if known is None:
        inputs = [_find(given.vertex, memory, found) for given in vertex.inputs]
        known = found[id(vertex)] = memory.find(vertex, inputs)
    return known


def remember(memory: Memory, plan: Plan) -> None:
    """Adds to the memory what a build of the plan left in the cache."""
    states = _states_of_steps(plan)
    vertices = [step.vertex for step in plan.steps if step.vertex is not None]
    unsure: frozenset[int] = frozenset()
    if plan.situation.broke_off:
        unsure = frozenset(id(vertex) for vertex in vertices if vertex.line) - proved(plan)
    learning = _Learning(memory, states, unsure=unsure)
    for vertex in vertices:
        learning.of(vertex)


def proved(plan: Plan) -> frozenset[int]:
    """The `id` of each vertex that is shown to be done by what a build of the plan reported, also when it broke off.

    What is reported to have run did run, so all that it was made of was there; so it was for a command that failed.
    """
    states = _states_of_steps(plan)
    vertices = [step.vertex for step in plan.steps if step.vertex is not None]
    done: set[int] = set()
    left = [vertex for vertex in vertices if _reported(vertex, states) == "ran"]
    left += [given.vertex for vertex in vertices if _ran_and_failed(vertex, states) for given in vertex.inputs]
    while left:
        vertex = left.pop()
        if id(vertex) not in done:
            done.add(id(vertex))
            left += [given.vertex for given in vertex.inputs]
    return frozenset(done)


def _states_of_steps(plan: Plan) -> Mapping[int, StepState]:
    """On the line of a FROM there may stand an ONBUILD of its base too, so states of such lines say nothing."""
    openings = {stage.line for stage in plan.situation.dockerfile.stages}
    return {line: state for line, state in (plan.situation.states or {}).items() if line not in openings}


def _ran_and_failed(vertex: Vertex, states: Mapping[int, StepState]) -> bool:
    """What reads files, as a mount does, may have failed for want of them, before anything was run."""
    reads = any(given.by_content for given in vertex.inputs)
    return vertex.kind == "run" and not reads and _reported(vertex, states) == "failed"


def _reported(vertex: Vertex, states: Mapping[int, StepState]) -> StepState | None:
    return states.get(vertex.line) if vertex.line and vertex.kind != "merge" else None


class _Learning:
    """One build being added. unsure: the identities of the vertices that it may not have come to.

    A build that broke off reports steps as cached that it never found, and may have finished them all the same.
    """

    def __init__(self, memory: Memory, states: Mapping[int, StepState], *, unsure: frozenset[int]) -> None:
        self._memory = memory
        self._states = states
        self._unsure = unsure
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
        state = _reported(vertex, self._states)
        if id(vertex) in self._unsure:
            found = self._memory.find(vertex, given)
            if not found.certain and state in self._perhaps_done:
                return self._memory.suspect(vertex, given)
            return found if found.certain else None
        return self._memory.learn(vertex, given, ran=_SEEN.get(state or "waiting"))
