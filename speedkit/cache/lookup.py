"""Looks up a plan in the cache: which results each vertex finds, and which a past build left there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speedkit.model import StepState

    from .frontend import Plan
    from .key_graph import CachedResults, KeyGraph
    from .vertices import Edge, Vertex

__all__ = ["PlanLookup", "add_build", "finished_vertices", "look_up"]

_RAN: Mapping[StepState, bool] = MappingProxyType({"ran": True, "cached": False})


@dataclass(frozen=True, eq=False, slots=True)
class PlanLookup:
    """A plan, with the results that the cache held for each of its vertices."""

    plan: Plan
    results: dict[int, CachedResults]
    graph: KeyGraph

    def of(self, vertex: Vertex) -> CachedResults:
        return self.results[id(vertex)]

    def unmatched_input(self, vertex: Vertex) -> Edge | None:
        """The first input on which an earlier operation was never built; None when only their combination is new."""
        return self.graph.unmatched_input(vertex, [self.of(edge.vertex) for edge in vertex.inputs])


def look_up(plan: Plan, graph: KeyGraph) -> PlanLookup:
    """The results that the cache holds for every vertex of a plan."""
    results: dict[int, CachedResults] = {}
    for step in plan.steps:
        if step.vertex is not None:
            _look_up_vertex(step.vertex, graph, results)
    return PlanLookup(plan, results, graph)


def _look_up_vertex(vertex: Vertex, graph: KeyGraph, results: dict[int, CachedResults]) -> CachedResults:
    cached = results.get(id(vertex))
    if cached is None:
        inputs = [_look_up_vertex(edge.vertex, graph, results) for edge in vertex.inputs]
        cached = results[id(vertex)] = graph.find(vertex, inputs)
    return cached


def add_build(graph: KeyGraph, plan: Plan) -> None:
    """Adds the results that a build of the plan left in the cache."""
    vertices = [step.vertex for step in plan.steps if step.vertex is not None]
    unsure: frozenset[int] = frozenset()
    if plan.situation.broke_off:
        unsure = frozenset(id(vertex) for vertex in vertices if vertex.line) - finished_vertices(plan)
    adding = _AddedBuild(graph, _states_of_steps(plan), unsure=unsure)
    for vertex in vertices:
        adding.results_of(vertex)


def finished_vertices(plan: Plan) -> frozenset[int]:
    """The `id` of each vertex that a build shows to be done, even a build that broke off.

    A vertex that BuildKit reports as run did run, so all of its inputs were done. The inputs of a command that failed were
    done, too. "cached" proves nothing in a build that failed (docs/buildkit-cache-rules.md, "Reading BuildKit's reports").
    """
    states = _states_of_steps(plan)
    vertices = [step.vertex for step in plan.steps if step.vertex is not None]
    waiting = [vertex for vertex in vertices if _reported_state(vertex, states) == "ran"]
    for vertex in vertices:
        # A RUN with a mount can fail because the mount lacks a file: then nothing was run, and its inputs prove nothing.
        reads_files = any(edge.by_content for edge in vertex.inputs)
        if vertex.kind == "run" and not reads_files and _reported_state(vertex, states) == "failed":
            waiting += [edge.vertex for edge in vertex.inputs]
    done: set[int] = set()
    while waiting:
        vertex = waiting.pop()
        if id(vertex) not in done:
            done.add(id(vertex))
            waiting += [edge.vertex for edge in vertex.inputs]
    return frozenset(done)


def _states_of_steps(plan: Plan) -> Mapping[int, StepState]:
    """The states by line, without the lines of FROM: an ONBUILD of the base is reported on that line, too."""
    from_lines = {stage.line for stage in plan.situation.dockerfile.stages}
    return {line: state for line, state in (plan.situation.states or {}).items() if line not in from_lines}


def _reported_state(vertex: Vertex, states: Mapping[int, StepState]) -> StepState | None:
    # A merge has the line of its COPY --link, and the state of that line is the copy's.
    return states.get(vertex.line) if vertex.line and vertex.kind != "merge" else None


class _AddedBuild:
    """A past build on its way into the graph.

    unsure: the `id` of each vertex that the build may not have finished. A build that broke off reports steps as cached that
    it never found, and may have finished them all the same.
    """

    def __init__(self, graph: KeyGraph, states: Mapping[int, StepState], *, unsure: frozenset[int]) -> None:
        self._graph = graph
        self._states = states
        self._unsure = unsure
        # A step that a person cancelled is not done. One that ended because another step failed may be.
        self._perhaps_done = {"cached", "cancelled"} if "failed" in states.values() else {"cached"}
        self._results: dict[int, CachedResults | None] = {}

    def results_of(self, vertex: Vertex) -> CachedResults | None:
        """The results that the build left for a vertex; None when the build did not come that far."""
        if id(vertex) not in self._results:
            self._results[id(vertex)] = self._add(vertex)
        return self._results[id(vertex)]

    def _add(self, vertex: Vertex) -> CachedResults | None:
        inputs = [self.results_of(edge.vertex) for edge in vertex.inputs]
        input_results = [results for results in inputs if results is not None]
        if len(input_results) < len(inputs):
            return None
        state = _reported_state(vertex, self._states)
        if id(vertex) in self._unsure:
            # What the cache held before the build is still there, whatever became of this vertex.
            cached = self._graph.find(vertex, input_results)
            if not cached.is_hit and state in self._perhaps_done:
                return self._graph.add_unsure(vertex, input_results)
            return cached if cached.is_hit else None
        return self._graph.add(vertex, input_results, ran=_RAN.get(state or "waiting"))
