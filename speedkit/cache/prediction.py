"""The forecast: which steps of a build would come from the cache, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from speedkit.causes import Addition, BaseToPull, Cause, ImageToPull, NothingBuiltYet, SameStepAs, StopsBuild
from speedkit.context import Manifest
from speedkit.errors import DockerfileError

from .content_digest import Tree
from .context_transfer import TransferredContexts, written_contexts
from .equal_steps import EqualSteps
from .frontend import Plan, PlannedStep, plan_build
from .key_graph import KeyGraph
from .lookup import PlanLookup, add_build, look_up
from .step_causes import StepCauses
from .step_sources import StepSources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from speedkit.model import StepSource

    from .situation import Situation

__all__ = ["CacheModel", "DetailedForecast", "Forecast", "StepForecast", "Verdict", "predict", "verdict_of"]

Verdict = Literal["hit", "miss", "depends", "no-step", "not-needed"]
"""`depends`: on bytes that only a run will tell. `no-step`: nothing to run. `not-needed`: the target does not use the stage."""


@dataclass(frozen=True, slots=True)
class StepForecast:
    """The forecast for one instruction.

    line: 1-based. also: additions to the cause. sources: the earlier instructions that it starts from or reads.
    """

    line: int
    end_line: int
    stage: str
    instruction: str
    forecast: Verdict
    cause: Cause
    also: tuple[Addition, ...] = ()
    sources: tuple[StepSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast for every instruction, in the order of the Dockerfile."""

    steps: tuple[StepForecast, ...]

    @property
    def runnable(self) -> tuple[StepForecast, ...]:
        """The steps that the builder has to find in the cache or run."""
        return tuple(step for step in self.steps if step.forecast in ("hit", "miss", "depends"))

    def at(self, line: int) -> StepForecast | None:
        """The step whose instruction covers a line."""
        return next((step for step in self.steps if step.line <= line <= step.end_line), None)


@dataclass(frozen=True, eq=False, slots=True)
class DetailedForecast:
    """A forecast with the plan and the causes behind it; forecast and plan have their steps in one order."""

    forecast: Forecast
    plan: Plan
    causes: StepCauses


def predict(history: Sequence[Situation], now: Situation) -> Forecast:
    """The forecast for a build of `now` on a builder that made the builds of `history`, oldest first.

    Raises DockerfileError when the Dockerfile of `now` cannot be built.
    """
    return CacheModel(history).predict(now)


class CacheModel:
    """A model of one builder's cache, made from the history of its builds: it forecasts any number of builds."""

    def __init__(self, history: Sequence[Situation]) -> None:
        """history: the builds of the builder, oldest first."""
        self._graph = KeyGraph()
        self._last_plans: dict[str, Plan] = {}
        self._trees: dict[str, Tree] = {}
        self._contexts = TransferredContexts()
        for situation in history:
            self.learn(situation)

    def learn(self, situation: Situation) -> None:
        """Adds a build to the history. A build whose Dockerfile BuildKit rejects leaves nothing in the cache."""
        try:
            plan = self.plan(situation)
        except DockerfileError:
            return
        # What the cache held *before* the build tells whether a RUN ran that has the context mounted to write.
        written = written_contexts(plan, self._graph)
        add_build(self._graph, plan)
        self._contexts.update(situation.folder, plan)
        self._contexts.forget(situation.folder, written)
        self._last_plans[situation.lineage] = plan

    def plan(self, situation: Situation) -> Plan:
        """The vertices of a build, with the build contexts as BuildKit will see them."""
        context = self._contexts.as_transferred(situation.folder, situation.context)
        named = {
            name: self._tree(self._contexts.as_transferred(situation.folder, manifest, name=name), name)
            for name, manifest in situation.contexts.items()
            if isinstance(manifest, Manifest)
        }
        return plan_build(situation, tree=self._tree(context, "", situation.products), named=named)

    def _tree(self, manifest: Manifest, name: str, products: frozenset[str] = frozenset()) -> Tree:
        """The files of a context. name: of a named context, "" for the build context."""
        # While somebody types, the context stays the same or changes in a few files, so its digests are kept. They count only
        # for the same products: a product has no digest.
        tree = self._trees.get(name)
        if tree is None or tree.unknown != products:
            tree = Tree(manifest, unknown=products)
        elif tree.entries != manifest.entries:
            tree = tree.changed_to(manifest)
        self._trees[name] = tree
        return tree

    def predict(self, now: Situation) -> Forecast:
        """The forecast for a build of `now`."""
        detailed = self.predict_in_detail(now)
        equal_steps = EqualSteps(detailed.plan)
        forecasts: list[StepForecast] = []
        for step, planned in zip(detailed.forecast.steps, detailed.plan.steps, strict=True):
            # Of equal steps on images of different names BuildKit runs the first that it comes to, and reports the others as
            # cached. Which one is the first differs from build to build (docs/buildkit-cache-rules.md, "The key of a step").
            equal_lines = equal_steps.lines_on_other_images(planned)
            if equal_lines and step.forecast == "miss" and not isinstance(step.cause, StopsBuild):
                step = replace(step, forecast="depends", cause=SameStepAs(equal_lines), also=())
            forecasts.append(step)
        return Forecast(tuple(forecasts))

    def predict_in_detail(self, now: Situation) -> DetailedForecast:
        """The forecast of each step by itself, with plan and causes. Which of equal steps runs first is left open."""
        plan = self.plan(now)
        lookup, last_plan, sources = look_up(plan, self._graph), self._last_plans.get(now.lineage), StepSources(plan)
        causes = StepCauses(lookup, last_plan)
        # In the order of the plan: StepCauses takes the cause of a step from those of its inputs.
        forecasts: list[StepForecast] = []
        for step in plan.steps:
            verdict = verdict_of(step, lookup)
            cause, also = causes.of(step)
            if last_plan is None and verdict == "miss" and not isinstance(cause, StopsBuild | BaseToPull | ImageToPull):
                # Without any earlier build every miss has one cause. Only a stop and a base to pull say more than that.
                cause, also = NothingBuiltYet(), ()
            instruction = step.instruction
            forecasts.append(
                StepForecast(
                    line=instruction.line,
                    end_line=instruction.end_line,
                    stage=step.stage,
                    instruction=f"ONBUILD {instruction.text}" if step.triggered else instruction.text,
                    forecast=verdict,
                    cause=cause,
                    also=also,
                    sources=sources.of(step),
                )
            )
        return DetailedForecast(Forecast(tuple(forecasts)), plan, causes)


def verdict_of(step: PlannedStep, lookup: PlanLookup) -> Verdict:
    """The verdict of a step by itself: which of equal steps runs first is left open."""
    if not step.needed:
        return "not-needed"
    if step.vertex is None:
        return "no-step"
    if step.has_to_pull:
        return "miss"
    if step.opens_local_image:
        return "hit"
    results = lookup.of(step.vertex)
    if results.is_hit:
        return "hit"
    return "depends" if results.may_hit else "miss"
