"""Forecasts of builds that follow each other, each of a few changed files: the quick way through a long history.

It gives the verdicts that a `CacheModel` gives which learns each build after forecasting it; a test holds both together. It
is quick because it plans each Dockerfile once, keeps the files in a `ChangingTree`, and looks nothing up for a build that reads
the same as the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .equal_steps import EqualSteps
from .frontend import Plan, PlannedStep, plan_build
from .key_graph import KeyGraph
from .lookup import PlanLookup, add_build, look_up
from .prediction import Verdict, verdict_of
from .step_sources import StepSources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from speedkit.model import StepSource

    from .changing_tree import ChangingTree
    from .content_digest import Selector
    from .situation import Situation
    from .vertices import Vertex

__all__ = ["ForecastBuild", "SuccessiveBuilds"]

_MOST_POSSIBLE = 20
"""See `KeyGraph`: a step that read such bytes more than 20 builds ago, and never since, is forecast to miss."""


@dataclass(frozen=True, eq=False, slots=True)
class ForecastBuild:
    """One build of the sequence.

    verdicts: of each step, in the order of the plan. missing: by number of a step, the paths that it reads and that are not
    there, so the build stops at it.
    """

    plan: Plan
    verdicts: tuple[Verdict, ...]
    missing: Mapping[int, tuple[str, ...]]

    @property
    def selectors(self) -> tuple[tuple[Selector, ...], ...]:
        """For each step, the parts of the build context that it reads."""
        return tuple(
            tuple(
                selector
                for edge in (step.vertex.inputs if step.vertex is not None and step.needed else ())
                if edge.vertex is self.plan.context
                for selector in edge.selectors
            )
            for step in self.plan.steps
        )

    @property
    def sources(self) -> tuple[tuple[StepSource, ...], ...]:
        """For each step, the earlier lines that it starts from or reads."""
        sources = StepSources(self.plan)
        return tuple(map(sources.of, self.plan.steps))


class _PlanFacts:
    """A plan, and the facts that are the same in all builds of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.equal_steps = EqualSteps(plan)
        self.has_equal = [bool(self.equal_steps.lines_on_other_images(step)) for step in plan.steps]
        self.vertices = tuple(_all_vertices(plan))
        edges = [edge for vertex in self.vertices for edge in vertex.inputs if edge.vertex is plan.context]
        self.selectors = tuple(dict.fromkeys(selector for edge in edges for selector in edge.selectors))
        # Whether BuildKit gets a file with a backslash in its path depends on the other files of the context.
        self.depends_on_files = any("\\" in selector.path for selector in self.selectors)


class SuccessiveBuilds:
    """A builder that makes one build after the other. Builds have no states: every step that can run is done in the end."""

    def __init__(self, tree: ChangingTree) -> None:
        """tree: the files of the build context, which the caller changes between the builds."""
        self._tree = tree
        self._graph = KeyGraph(most_possible=_MOST_POSSIBLE)
        self._plans: dict[object, _PlanFacts] = {}
        self._last: tuple[_PlanFacts, tuple[str | None, ...]] | None = None
        self._repeated: ForecastBuild | None = None

    def build(self, plan_key: object, situation: Callable[[], Situation]) -> ForecastBuild:
        """The forecast of a build, which is then made.

        situation: gives the situation of the build, whose context is not read. plan_key: equal for equal situations; None for
        one that no other build has.
        Raises: DockerfileError, for a Dockerfile that BuildKit rejects: such a build leaves nothing in the cache.
        """
        facts = self._plans.get(plan_key)
        if facts is None or facts.depends_on_files:
            facts = _PlanFacts(plan_build(situation(), tree=self._tree))
            if plan_key is not None:
                self._plans[plan_key] = facts
        inputs = (facts, tuple(self._tree.digest(selector) for selector in facts.selectors))
        if facts.depends_on_files or self._last != inputs:
            self._last, self._repeated = inputs, None
            return self._forecast_and_add(facts)
        if self._repeated is None:
            self._repeated = self._forecast_and_add(facts)
        return self._repeated

    def _forecast_and_add(self, facts: _PlanFacts) -> ForecastBuild:
        # The vertices are those of an earlier build, and the files are others now.
        for vertex in facts.vertices:
            vertex.derivations.clear()
        lookup = look_up(facts.plan, self._graph)
        steps = tuple(zip(facts.plan.steps, facts.has_equal, strict=True))
        verdicts = tuple(_verdict(step, lookup, has_equal=has_equal) for step, has_equal in steps)
        missing = {
            number: paths
            for number, (step, _) in enumerate(steps)
            if step.vertex is not None and step.needed and (paths := lookup.of(step.vertex).missing_paths)
        }
        add_build(self._graph, facts.plan)
        return ForecastBuild(facts.plan, verdicts, missing)


def _verdict(step: PlannedStep, lookup: PlanLookup, *, has_equal: bool) -> Verdict:
    verdict = verdict_of(step, lookup)
    if verdict != "miss" or not has_equal or step.vertex is None:
        return verdict
    # As in `CacheModel.predict`: of equal steps on different images, BuildKit runs any one. A step that stops the build is
    # none of these.
    is_stopped = bool(lookup.of(step.vertex).missing_paths or step.vertex.missing_secrets)
    return "miss" if is_stopped else "depends"


def _all_vertices(plan: Plan) -> list[Vertex]:
    vertices: dict[int, Vertex] = {}
    waiting = [step.vertex for step in plan.steps if step.vertex is not None]
    while waiting:
        vertex = waiting.pop()
        if id(vertex) not in vertices:
            vertices[id(vertex)] = vertex
            waiting += [edge.vertex for edge in vertex.inputs]
    return list(vertices.values())
