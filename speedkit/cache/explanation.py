"""Why every step of a finished build was cached or ran: the forecast for it, compared with BuildKit's report."""

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
    NamedSource,
    NewToCache,
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

from .equal_steps import EqualSteps
from .lookup import finished_vertices
from .prediction import CacheModel, DetailedForecast, StepForecast

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
    """Other places than this builder's own history that can hold the result of a step.

    builders: the builds of each other builder, oldest first, by the builder's name.
    imported: the caches that the build imported. not_imported: those that it should have imported, and could not.
    """

    builders: Mapping[str, Sequence[Situation]] = field(default_factory=dict)
    imported: tuple[str, ...] = ()
    not_imported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """The state of one instruction, and its cause.

    state: as in `Step`. also: additions to the cause. sources: the earlier instructions that it starts from or reads.
    origins: of a step that ran, the lines where the miss began; its own line when it began there.
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
    """The explanation of every instruction, in the order of the Dockerfile."""

    steps: tuple[StepExplanation, ...]

    def at(self, line: int) -> StepExplanation | None:
        """The step whose instruction covers a line."""
        return next((step for step in self.steps if step.line <= line <= step.end_line), None)


def explain(build: Situation, earlier: Sequence[Situation], others: OtherCaches | None = None) -> Explanation:
    """Why the steps of a build were cached or ran.

    build: a finished build, with its `states`. earlier: the builds before it on the same builder, oldest first.
    Raises DockerfileError when the Dockerfile cannot be read.
    """
    explained = _ExplainedBuild(build, CacheModel(earlier).predict_in_detail(build), others or OtherCaches())
    return Explanation(tuple(_with_origins(explained.steps())))


class _ExplainedBuild:
    """One build, with the forecast for it and the report of it."""

    def __init__(self, build: Situation, detailed: DetailedForecast, others: OtherCaches) -> None:
        self._build = build
        self._states = dict(build.states or {})
        self._detailed = detailed
        self._others = others
        self._hits_elsewhere = {
            name: frozenset(step.line for step in CacheModel(builds).predict(build).steps if step.forecast == "hit")
            for name, builds in others.builders.items()
        }
        self._equal_steps = EqualSteps(detailed.plan)
        self._finished = finished_vertices(detailed.plan)

    def steps(self) -> Iterable[StepExplanation]:
        reported = [(forecast, self._reported_state(forecast)) for forecast in self._detailed.forecast.steps]
        for forecast, reported_state in reported:
            # A step that starts from a FROM starts from the base's ONBUILD instructions there, so the line ran if one ran.
            if reported_state in _RAN and forecast.instruction.startswith(_TRIGGERED):
                self._states[forecast.line] = reported_state
        for (forecast, reported_state), planned in zip(reported, self._detailed.plan.steps, strict=True):
            if forecast.forecast in ("no-step", "not-needed"):
                state: StepState = forecast.forecast
            elif reported_state is None:
                # BuildKit does not report every hit: of equal steps on one image it names one, and a FROM often not at all.
                state = "cached" if forecast.forecast == "hit" else "waiting"
            else:
                state = reported_state
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

    def _reported_state(self, step: StepForecast) -> StepState | None:
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
            return OtherDigest(_addresses_of_add(step), step.cause), ()
        # A FROM does nothing but fetch an image, and an ADD of an address begins with the download.
        if state == "failed" and (planned.instruction.keyword == "FROM" or _addresses_of_add(step)):
            return NotFetched(_addresses_of_add(step), step.cause), ()
        if state in _RAN:
            return self._cause_of_run(step, planned)
        if state == "cached" and step.forecast != "hit":
            return self._cause_of_unexpected_hit(step, planned), ()
        return step.cause, step.also

    def _cause_of_run(self, step: StepForecast, planned: PlannedStep) -> tuple[Cause, tuple[Addition, ...]]:
        if step.forecast == "hit":
            return Evicted(), ()
        if step.forecast == "depends":
            return self._with_failed_import(self._cause_in_sources(step, planned), ())
        if isinstance(step.cause, StepRan) and not self._sources_that_ran(step, by_bytes=False):
            # The forecast blamed the step before, which was cached after all.
            cause = self._detailed.causes.without_sources(planned)
            return self._with_failed_import(cause, ()) if cause is not None else (step.cause, step.also)
        builders = tuple(name for name, lines in self._hits_elsewhere.items() if step.line in lines)
        # Only for a new step: with another cause, the person's change explains the miss, whatever other builders have.
        if isinstance(step.cause, NewToCache) and builders:
            return OtherBuilder(builders), ()
        return self._with_failed_import(step.cause, step.also)

    def _with_failed_import(self, cause: Cause, also: tuple[Addition, ...]) -> tuple[Cause, tuple[Addition, ...]]:
        """BuildKit goes on without a cache that it cannot import, and reports that only in the step of the import."""
        if not isinstance(cause, NewToCache) or not self._others.not_imported:
            return cause, also
        return cause, (*also, ImportFailed(self._others.not_imported))

    def _cause_in_sources(self, step: StepForecast, planned: PlannedStep) -> Cause:
        """Why a step ran whose forecast was open: a step that it starts from ran, or the bytes that it reads are others."""
        if isinstance(step.cause, DependsOnAddress):
            return AddressChanged(step.cause.addresses)
        sources, parents = _sources(step.cause), self._sources_that_ran(step, by_bytes=False)
        if parents:
            return StepRan(parents)
        if not sources:
            return BrokeOff()
        if read_from := self._sources_that_ran(step, by_bytes=True):
            return OtherBytes(read_from)
        if isinstance(step.cause, DependsOnHostFiles):
            return HostFilesChanged(step.cause.paths)
        # No source ran, so the bytes of those with a line are the same: the change is in the step itself.
        own_cause = self._detailed.causes.without_sources(planned)
        if own_cause is not None and all(isinstance(source, Line) for source in sources):
            return own_cause
        return OtherBytes(sources, ran=False)

    def _cause_of_unexpected_hit(self, step: StepForecast, planned: PlannedStep) -> Cause:
        """Why a step was cached that was not forecast to be."""
        if self._build.broke_off and id(planned.vertex) not in self._finished:
            return CalledCached()
        if step.forecast == "miss":
            equal = tuple(line for line in self._equal_steps.lines(planned) if self._states.get(line) in _RAN)
            if equal:
                return SameStepAs(equal)
            return Imported(self._others.imported) if self._others.imported else BuiltElsewhere()
        read_from = self._sources_that_ran(step, by_bytes=True)
        return SameBytes(read_from) if read_from else Unchanged(_sources(step.cause))

    def _sources_that_ran(self, step: StepForecast, *, by_bytes: bool) -> tuple[Line, ...]:
        sources = (source for source in step.sources if source.by_bytes == by_bytes)
        return tuple(Line(source.line) for source in sources if self._states.get(source.line) in _RAN)


def _sources(cause: Cause) -> tuple[Place, ...]:
    """The places that an open forecast depends on."""
    match cause:
        case DependsOnStep(source):
            return (source,)
        case DependsOnBytes(sources):
            return sources
        case DependsOnHostFiles(names) | DependsOnAddress(names):
            return tuple(map(NamedSource, names))
    return ()


def _addresses_of_add(step: StepForecast) -> tuple[str, ...]:
    """The addresses that an ADD downloads from, also one that ONBUILD left in a base; () for other instructions."""
    keyword, *words = step.instruction.removeprefix("ONBUILD ").split()
    return tuple(word for word in words if "://" in word) if keyword.upper() == "ADD" else ()


def _with_origins(steps: Iterable[StepExplanation]) -> Iterable[StepExplanation]:
    """Follows each miss back to the lines where it began, and adds them where they lie before the step's own sources."""
    causes: dict[int, Cause] = {}
    origins: dict[int, tuple[int, ...]] = {}
    for step in steps:
        if step.state not in _RAN:
            yield step
            continue
        passed_on = step.cause.sources if isinstance(step.cause, StepRan | OtherBytes) else ()
        lines = [source.line for source in step.sources if Line(source.line) in passed_on]
        step_origins = tuple(dict.fromkeys(origin for line in lines for origin in origins.get(line, ()))) or (step.line,)
        causes[step.line], origins[step.line] = step.cause, step_origins
        far = [line for line in step_origins if line not in lines and line != step.line]
        began = (MissBegan(tuple(Beginning(line, causes[line]) for line in far)),) if far else ()
        yield replace(step, origins=step_origins, also=(*step.also, *began))
