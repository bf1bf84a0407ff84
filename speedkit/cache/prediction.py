"""The forecast: which steps of a build would come from the cache, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from speedkit.causes import Addition, BaseToPull, Cause, ImageToPull, NothingBuiltYet, SameStepAs, Stops
from speedkit.errors import DockerfileError

from .content_digest import Tree
from .contents import Memory
from .context_transfer import Synced, context_is_written
from .equal_steps import Equals
from .frontend import Plan, PlannedStep, plan_build
from .lookup import Walked, remember, walk
from .step_causes import StepCauses
from .step_inputs import Sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from speedkit.model import StepSource

    from .situation import Situation

__all__ = ["CacheModel", "Forecast", "Outlook", "StepForecast", "Verdict", "predict"]

Verdict = Literal["hit", "miss", "depends", "no-step", "not-needed"]
"""`depends`: on bytes that only a run will tell. `no-step`: nothing to run. `not-needed`: not of the target."""


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What is expected of one instruction.

    line: 1-based. also: what else there is to say besides the cause. sources: what it takes something from.
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
    """What is expected of every instruction, in the order of the Dockerfile."""

    steps: tuple[StepForecast, ...]

    @property
    def runnable(self) -> tuple[StepForecast, ...]:
        """The steps that the builder has to find or run."""
        return tuple(step for step in self.steps if step.forecast in ("hit", "miss", "depends"))

    def at(self, line: int) -> StepForecast | None:
        """The step whose instruction covers a line."""
        return next((step for step in self.steps if step.line <= line <= step.end_line), None)


@dataclass(frozen=True, eq=False, slots=True)
class Outlook:
    """A forecast step by step, with the plan and the causes that it was made from; both have the steps in one order."""

    forecast: Forecast
    plan: Plan
    causes: StepCauses


def predict(history: Sequence[Situation], now: Situation) -> Forecast:
    """What a build of `now` would find in the cache of a builder that made the builds of `history`, oldest first.

    Raises DockerfileError when the Dockerfile of `now` cannot be built.
    """
    return CacheModel(history).predict(now)


class CacheModel:
    """A history read once, to forecast again and again while somebody types."""

    def __init__(self, history: Sequence[Situation]) -> None:
        self._memory = Memory()
        self._last: dict[str, Plan] = {}
        self._tree: Tree | None = None
        self._synced = Synced()
        for situation in history:
            self.learn(situation)

    def learn(self, situation: Situation) -> None:
        """Adds a build that took place. One whose Dockerfile BuildKit rejects left nothing."""
        try:
            plan = self.plan(situation)
        except DockerfileError:
            return
        is_written = context_is_written(plan, self._memory)
        remember(self._memory, plan)
        self._synced.update(situation.folder, plan)
        if is_written:
            self._synced.forget(situation.folder)
        self._last[situation.lineage] = plan

    def plan(self, situation: Situation) -> Plan:
        """The vertices of a build; a context that did not change is not hashed again."""
        context = self._synced.taken_for(situation.folder, situation.context)
        if self._tree is None or self._tree.unknown != situation.products:
            self._tree = Tree(context, unknown=situation.products)
        elif self._tree.entries != context.entries:
            self._tree = self._tree.changed_to(context)
        return plan_build(situation, tree=self._tree)

    def predict(self, now: Situation) -> Forecast:
        """What a build of `now` would find in the cache."""
        return _with_races(self.outlook(now))

    def outlook(self, now: Situation) -> Outlook:
        """What the cache holds for each step of a build of `now` by itself, and what that was made from."""
        plan = self.plan(now)
        walked, last, sources = walk(plan, self._memory), self._last.get(now.lineage), Sources(plan)
        causes = StepCauses(walked, last)
        steps = tuple(_forecast(step, walked, causes, sources) for step in plan.steps)
        return Outlook(Forecast(steps if last is not None else tuple(_first_time(step) for step in steps)), plan, causes)


def _forecast(step: PlannedStep, walked: Walked, causes: StepCauses, sources: Sources) -> StepForecast:
    instruction = step.instruction
    cause, also = causes.of(step)
    return StepForecast(
        line=instruction.line,
        end_line=instruction.end_line,
        stage=step.stage,
        instruction=f"ONBUILD {instruction.text}" if step.triggered else instruction.text,
        forecast=_verdict(step, walked),
        cause=cause,
        also=also,
        sources=sources.of(step),
    )


def _with_races(outlook: Outlook) -> Forecast:
    """Of equal steps on images of other names BuildKit runs the one that it comes to first, and calls the others cached."""
    equals = Equals(outlook.plan)
    pairs = zip(outlook.forecast.steps, outlook.plan.steps, strict=True)
    return Forecast(tuple(_raced(forecast, equals.apart(planned)) for forecast, planned in pairs))


def _raced(step: StepForecast, equal: tuple[int, ...]) -> StepForecast:
    if step.forecast != "miss" or isinstance(step.cause, Stops) or not equal:
        return step
    return replace(step, forecast="depends", cause=SameStepAs(equal), also=())


def _first_time(step: StepForecast) -> StepForecast:
    if step.forecast != "miss" or isinstance(step.cause, Stops | BaseToPull | ImageToPull):
        return step
    return replace(step, cause=NothingBuiltYet(), also=())


def _verdict(step: PlannedStep, walked: Walked) -> Verdict:
    if not step.needed:
        return "not-needed"
    if step.vertex is None:
        return "no-step"
    if step.has_to_pull:
        return "miss"
    if step.opens_known_image:
        return "hit"
    found = walked.of(step.vertex)
    if found.certain:
        return "hit"
    return "depends" if found.possible else "miss"
