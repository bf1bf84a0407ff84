"""Why every step of a finished build was cached or ran: the forecast for it, held against what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedkit.forecast.predicting import Forecaster, StepForecast
from speedkit.forecast.reasons import Because

if TYPE_CHECKING:
    from collections.abc import Sequence

    from speedkit.forecast.situation import Situation
    from speedkit.model import StepState

__all__ = ["Explanation", "StepExplanation", "explain"]

_RAN = frozenset({"ran", "failed", "cancelled", "running"})


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """What became of one instruction, and because of what.

    state: as in `Step`. after: the lines whose results it starts from or reads.
    """

    line: int
    end_line: int
    stage: str
    instruction: str
    state: StepState
    because: Because
    after: tuple[int, ...] = ()

    @property
    def cached(self) -> bool:
        return self.state == "cached"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of every instruction, in the order of the Dockerfile."""

    steps: tuple[StepExplanation, ...]

    def at(self, line: int) -> StepExplanation | None:
        """The step whose instruction covers a line."""
        return next((step for step in self.steps if step.line <= line <= step.end_line), None)


def explain(build: Situation, earlier: Sequence[Situation], *, no_cache: bool = False) -> Explanation:
    """Why the steps of a build were cached or ran.

    build: its `states` say what was seen. earlier: the builds before it on the same builder, oldest first.
    no_cache: the build was told not to look. Raises DockerfileError when the Dockerfile cannot be read.
    """
    forecast = Forecaster(earlier).predict(build)
    states = build.states or {}
    return Explanation(tuple(_explained(step, states.get(step.line), no_cache=no_cache) for step in forecast.steps))


def _explained(step: StepForecast, seen: StepState | None, *, no_cache: bool) -> StepExplanation:
    state: StepState = _state(step, seen)
    because = step.because
    if state == "waiting":
        because = Because("failed", (), "The build ended before this step.")
    elif state in _RAN:
        because = _because_it_ran(step, no_cache=no_cache)
    elif state == "cached":
        because = _because_it_was_cached(step)
    return StepExplanation(step.line, step.end_line, step.stage, step.instruction, state, because, step.after)


def _state(step: StepForecast, seen: StepState | None) -> StepState:
    if step.forecast in ("no-step", "not-needed"):
        return step.forecast
    if seen is None:
        return "cached" if step.forecast == "hit" else "waiting"
    return seen


def _because_it_ran(step: StepForecast, *, no_cache: bool) -> Because:
    if no_cache:
        return Because("no-cache", (), "The build was told not to use the cache.")
    if step.forecast == "hit":
        return Because("evicted", (), "It was built before, but its result is gone: pruned, or made by another builder.")
    if step.forecast == "depends" and step.because.kind == "result":
        place = " and ".join(step.because.what)
        return Because("result", step.because.what, f"What {place} produced is not what it was.")
    if step.forecast == "depends" and step.because.kind == "address":
        place = " and ".join(step.because.what)
        return Because("address", step.because.what, f"{place} no longer holds what it did.")
    if step.forecast == "depends":
        place = " and ".join(step.because.what)
        return Because("parent", step.because.what, f"It starts from the result of {place}, which ran again.")
    return _in_the_past(step.because)


def _because_it_was_cached(step: StepForecast) -> Because:
    if step.forecast == "hit":
        return _in_the_past(step.because)
    if step.forecast == "miss":
        return Because("elsewhere", (), "A build that is not recorded here had made exactly this.")
    place = " and ".join(step.because.what)
    if step.because.kind == "result":
        return Because("same-bytes", step.because.what, f"What it takes from {place} is what it was, byte for byte.")
    return Because("unchanged", step.because.what, f"What it gets from {place} is what it was.")


def _in_the_past(because: Because) -> Because:
    sentence = because.sentence.replace("runs again", "ran again").replace("run again", "ran again")
    sentence = sentence.replace("will stop here", "stopped here")
    return Because(because.kind, because.what, sentence)
