"""Why every step of a finished build was cached or ran: the forecast for it, held against what was seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from speedkit.causes import (
    Addition,
    AddressChanged,
    Beginning,
    BrokeOff,
    BuiltElsewhere,
    CalledCached,
    Cause,
    DependsOnAddress,
    DependsOnBytes,
    DependsOnHostFiles,
    DependsOnStep,
    Evicted,
    HostFilesChanged,
    Imported,
    ImportFailed,
    Line,
    MissBegan,
    Named,
    New,
    NotFetched,
    NotReached,
    NotTold,
    OtherBuilder,
    OtherBytes,
    OtherDigest,
    Place,
    SameBytes,
    SameStepAs,
    StageBegins,
    StepRan,
    Unchanged,
)

from .equal_steps import Equals
from .lookup import proved
from .prediction import CacheModel, Outlook, StepForecast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from speedkit.model import StepSource, StepState

    from .frontend import PlannedStep
    from .situation import Situation

__all__ = ["Explanation", "OtherCaches", "StepExplanation", "explain"]

_RAN = frozenset({"ran", "failed", "cancelled", "running"})
_MISMATCH = "digest mismatch"
_TRIGGERED = "ONBUILD "


@dataclass(frozen=True, slots=True)
class OtherCaches:
    """What else could have had, or brought, the result of a step.

    builders: the name of another builder → the builds that it made, oldest first.
    imported: where the build imported a cache from. not_imported: from where it was to, and could not.
    """

    builders: Mapping[str, Sequence[Situation]] = field(default_factory=dict)
    imported: tuple[str, ...] = ()
    not_imported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """What became of one instruction, and because of what.

    state: as in `Step`. also: what else there is to say besides the cause. sources: what it starts from or reads.
    origins: the lines in which the miss began that made it run, its own among them when it is one.
    """

    line: int
    end_line: int
    stage: str
    instruction: str
    state: StepState
    cause: Cause
    also: tuple[Addition, ...] = ()
    sources: tuple[StepSource, ...] = ()
    origins: tuple[int, ...] = ()

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


def explain(build: Situation, earlier: Sequence[Situation], others: OtherCaches | None = None) -> Explanation:
    """Why the steps of a build were cached or ran.

    build: its `states` say what was seen. earlier: the builds before it on the same builder, oldest first.
    Raises DockerfileError when the Dockerfile cannot be read.
    """
    explaining = _Explaining(build, CacheModel(earlier).outlook(build), others or OtherCaches())
    return Explanation(tuple(_with_origins(explaining.steps())))


class _Explaining:
    """One build, what was forecast for it, and what was seen."""

    def __init__(self, build: Situation, outlook: Outlook, others: OtherCaches) -> None:
        self._build = build
        self._states = dict(build.states or {})
        self._outlook = outlook
        self._others = others
        self._held = {name: _hits(build, builds) for name, builds in others.builders.items()}
        self._equals = Equals(outlook.plan)
        self._proved = proved(outlook.plan)

    def steps(self) -> Iterable[StepExplanation]:
        became = [(forecast, self._seen(forecast)) for forecast in self._outlook.forecast.steps]
        for forecast, seen in became:
            # What stands on a FROM stands on what ONBUILD did there.
            if seen in _RAN and forecast.instruction.startswith(_TRIGGERED):
                self._states[forecast.line] = seen
        for (forecast, seen), planned in zip(became, self._outlook.plan.steps, strict=True):
            state = _state(forecast, seen)
            cause, also = self._cause(forecast, planned, state)
            yield StepExplanation(
                line=forecast.line,
                end_line=forecast.end_line,
                stage=forecast.stage,
                instruction=forecast.instruction,
                state=state,
                cause=cause,
                also=also,
                sources=forecast.sources,
            )

    def _seen(self, step: StepForecast) -> StepState | None:
        if step.instruction.startswith(_TRIGGERED):
            return self._build.triggers.get((step.line, step.instruction)) or ("cached" if step.forecast == "hit" else "ran")
        return (self._build.states or {}).get(step.line)

    def _cause(self, step: StepForecast, planned: PlannedStep, state: StepState) -> tuple[Cause, tuple[Addition, ...]]:
        if state == "waiting":
            return NotReached(), ()
        if state == "unclear":
            return NotTold(), ()
        if state == "no-step" and step.sources:
            return StageBegins(on_line=step.sources[0].line), ()
        if state == "failed" and _MISMATCH in self._build.errors.get(step.line, ""):
            return OtherDigest(_fetched(step), step.cause), ()
        if state == "failed" and (_is_from(step) or _fetched(step)):
            return NotFetched(_fetched(step), step.cause), ()
        if state in _RAN:
            return self._cause_it_ran(step, planned)
        if state == "cached" and step.forecast != "hit" and self._build.broke_off and id(planned.vertex) not in self._proved:
            return CalledCached(), ()
        if state == "cached" and step.forecast != "hit":
            return self._cause_it_was_cached(step, planned), ()
        return step.cause, step.also

    def _cause_it_ran(self, step: StepForecast, planned: PlannedStep) -> tuple[Cause, tuple[Addition, ...]]:
        if step.forecast == "hit":
            return Evicted(), ()
        if step.forecast == "depends":
            return self._with_import(self._cause_in_what_it_got(step, planned), ())
        if isinstance(step.cause, StepRan) and not self._reran(step, by_bytes=False):
            alone = self._outlook.causes.alone(planned)
            return self._with_import(alone, ()) if alone is not None else (step.cause, step.also)
        builders = tuple(name for name, lines in self._held.items() if step.line in lines)
        if isinstance(step.cause, New) and builders:
            return OtherBuilder(builders), ()
        return self._with_import(step.cause, step.also)

    def _with_import(self, cause: Cause, also: tuple[Addition, ...]) -> tuple[Cause, tuple[Addition, ...]]:
        """BuildKit goes on without a cache that it cannot import, and hardly says so."""
        if not isinstance(cause, New) or not self._others.not_imported:
            return cause, also
        return cause, (*also, ImportFailed(self._others.not_imported))

    def _cause_in_what_it_got(self, step: StepForecast, planned: PlannedStep) -> Cause:
        """Why a step ran of which only the build could tell: what it builds on ran, or what it reads has other bytes."""
        if isinstance(step.cause, DependsOnAddress):
            return AddressChanged(step.cause.addresses)
        sources, parents = _sources(step.cause), self._reran(step, by_bytes=False)
        if parents:
            return StepRan(parents)
        if not sources:
            return BrokeOff()
        if given := self._reran(step, by_bytes=True):
            return OtherBytes(given)
        if isinstance(step.cause, DependsOnHostFiles):
            return HostFilesChanged(step.cause.paths)
        alone = self._outlook.causes.alone(planned)
        if alone is not None and all(isinstance(source, Line) for source in sources):
            return alone
        return OtherBytes(sources, ran=False)

    def _cause_it_was_cached(self, step: StepForecast, planned: PlannedStep) -> Cause:
        """Why a step that was not forecast to be cached was."""
        if step.forecast == "miss":
            equal = tuple(line for line in self._equals.of(planned) if self._states.get(line) in _RAN)
            if equal:
                return SameStepAs(equal)
            return Imported(self._others.imported) if self._others.imported else BuiltElsewhere()
        given = self._reran(step, by_bytes=True)
        return SameBytes(given) if given else Unchanged(_sources(step.cause))

    def _reran(self, step: StepForecast, *, by_bytes: bool) -> tuple[Line, ...]:
        """The lines that a step takes something from and that ran."""
        found = (source for source in step.sources if source.by_bytes == by_bytes)
        return tuple(Line(source.line) for source in found if self._states.get(source.line) in _RAN)


def _sources(cause: Cause) -> tuple[Place, ...]:
    """What a step depends on."""
    match cause:
        case DependsOnStep(source):
            return (source,)
        case DependsOnBytes(sources):
            return sources
        case DependsOnHostFiles(names) | DependsOnAddress(names):
            return tuple(map(Named, names))
    return ()


def _hits(build: Situation, builds: Sequence[Situation]) -> frozenset[int]:
    """The lines whose results another builder has."""
    return frozenset(step.line for step in CacheModel(builds).predict(build).steps if step.forecast == "hit")


def _state(step: StepForecast, seen: StepState | None) -> StepState:
    if step.forecast in ("no-step", "not-needed"):
        return step.forecast
    if seen is None:
        return "cached" if step.forecast == "hit" else "waiting"
    return seen


def _is_from(step: StepForecast) -> bool:
    return step.instruction.split()[0].upper() == "FROM"


def _fetched(step: StepForecast) -> tuple[str, ...]:
    """The addresses that an ADD gets something from."""
    keyword, *words = step.instruction.split()
    return tuple(word for word in words if "://" in word) if keyword.upper() == "ADD" else ()


def _with_origins(steps: Iterable[StepExplanation]) -> Iterable[StepExplanation]:
    """Follows each miss back to where it began, and says so where that is further back than the step before."""
    causes: dict[int, Cause] = {}
    origins: dict[int, tuple[int, ...]] = {}
    for step in steps:
        if step.state not in _RAN:
            yield step
            continue
        passed_on = step.cause.sources if isinstance(step.cause, StepRan | OtherBytes) else ()
        lines = [source.line for source in step.sources if Line(source.line) in passed_on]
        found = tuple(dict.fromkeys(origin for line in lines for origin in origins.get(line, ()))) or (step.line,)
        causes[step.line], origins[step.line] = step.cause, found
        far = [line for line in found if line not in lines and line != step.line]
        began = (MissBegan(tuple(Beginning(line, causes[line]) for line in far)),) if far else ()
        yield replace(step, origins=found, also=(*step.also, *began))
