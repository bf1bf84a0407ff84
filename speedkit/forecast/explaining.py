"""Why every step of a finished build was cached or ran: the forecast for it, held against what was seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from speedkit.forecast.equals import Equals
from speedkit.forecast.predicting import Forecaster, Outlook, StepForecast
from speedkit.forecast.reasons import Because, change_in_words
from speedkit.forecast.walking import proved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from speedkit.forecast.plan import PlannedStep
    from speedkit.forecast.situation import Situation
    from speedkit.model import StepSource, StepState

__all__ = ["Explanation", "Others", "StepExplanation", "explain"]

_RAN = frozenset({"ran", "failed", "cancelled", "running"})
_BROKEN_OFF = Because(
    "failed", (), "The build ended before this step's turn; BuildKit calls such steps cached, whether it has them or not."
)
_MISMATCH = "digest mismatch"
_TRIGGERED = "ONBUILD "
_PASSED_ON = frozenset({"parent", "result"})


@dataclass(frozen=True, slots=True)
class Others:
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

    state: as in `Step`. sources: what it starts from or reads. origins: the lines in which the miss began that made it
    run, its own among them when it is one.
    """

    line: int
    end_line: int
    stage: str
    instruction: str
    state: StepState
    because: Because
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


def explain(build: Situation, earlier: Sequence[Situation], others: Others | None = None) -> Explanation:
    """Why the steps of a build were cached or ran.

    build: its `states` say what was seen. earlier: the builds before it on the same builder, oldest first.
    Raises DockerfileError when the Dockerfile cannot be read.
    """
    explaining = _Explaining(build, Forecaster(earlier).outlook(build), others or Others())
    return Explanation(tuple(_with_origins(explaining.steps())))


class _Explaining:
    """One build, what was forecast for it, and what was seen."""

    def __init__(self, build: Situation, outlook: Outlook, others: Others) -> None:
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
            because = self._because(forecast, planned, state)
            yield StepExplanation(
                line=forecast.line,
                end_line=forecast.end_line,
                stage=forecast.stage,
                instruction=forecast.instruction,
                state=state,
                because=because,
                sources=forecast.sources,
            )

    def _seen(self, step: StepForecast) -> StepState | None:
        if step.instruction.startswith(_TRIGGERED):
            return self._build.triggers.get((step.line, step.instruction)) or ("cached" if step.forecast == "hit" else "ran")
        return (self._build.states or {}).get(step.line)

    def _because(self, step: StepForecast, planned: PlannedStep, state: StepState) -> Because:
        if state == "waiting":
            return Because("failed", (), "The build ended before this step.")
        if state == "unclear":
            sentence = "BuildKit's report does not tell which of its steps this one is: whether it ran or was cached."
            return Because("unclear", (), sentence)
        if state == "no-step" and step.sources:
            return Because("no-step", (), f"The stage starts from the result of line {step.sources[0].line}.")
        if state == "failed" and _MISMATCH in self._build.errors.get(step.line, ""):
            sentence = f"What {_fetched(step)} serves has another digest than `--checksum` says."
            return Because("failed", step.because.what, sentence)
        if state == "failed" and (wanted := _fetched(step)):
            return Because("failed", step.because.what, f"{wanted} could not be had.")
        if state in _RAN:
            return _without_the_import(self._because_it_ran(step, planned), self._others.not_imported)
        if state == "cached" and step.forecast != "hit" and self._build.broke_off and id(planned.vertex) not in self._proved:
            return _BROKEN_OFF
        return self._because_it_was_cached(step, planned) if state == "cached" else step.because

    def _because_it_ran(self, step: StepForecast, planned: PlannedStep) -> Because:
        if step.forecast == "hit":
            return Because(
                "evicted", (), "This builder had built it before, but the result is gone: pruned, or dropped for room."
            )
        if step.forecast == "depends":
            return self._because_of_what_it_got(step, planned)
        if step.because.kind == "parent" and not self._reran(step, by_bytes=False):
            return _in_the_past(self._outlook.reasons.alone(planned) or step.because)
        builders = tuple(name for name, lines in self._held.items() if step.line in lines)
        if step.because.kind == "new" and builders:
            listed = " and ".join(builders)
            return Because(
                "another-builder", builders, f"Another builder has built this: {listed}. Each builder has its own cache."
            )
        return _in_the_past(step.because)

    def _because_of_what_it_got(self, step: StepForecast, planned: PlannedStep) -> Because:
        """Why a step ran of which only the build could tell: what it builds on ran, or what it reads has other bytes."""
        if step.because.kind == "address":
            what = step.because.what
            return Because("address", what, f"{' and '.join(what)} no longer holds what it did.")
        parents = self._reran(step, by_bytes=False)
        if not step.because.what and not parents:
            return Because("new", (), "An earlier build broke off at this step, and left nothing of it.")
        if parents:
            return Because("parent", parents, f"It starts from the result of {parents[0]}, which ran.")
        given = self._reran(step, by_bytes=True)
        of_steps = all(what.startswith("line ") for what in step.because.what)
        alone = self._outlook.reasons.alone(planned)
        if not given and of_steps and alone is not None:
            return _in_the_past(alone)
        given = given or step.because.what
        return Because("result", given, f"{_capital(' and '.join(given))} ran, and what it made has other bytes than before.")

    def _because_it_was_cached(self, step: StepForecast, planned: PlannedStep) -> Because:
        if step.forecast == "hit":
            return _in_the_past(step.because)
        imported = self._others.imported
        equal = tuple(f"line {line}" for line in self._equals.of(planned) if self._states.get(line) in _RAN)
        if step.forecast == "miss" and equal:
            return Because("earlier", equal, f"It is the same step as {equal[0]}, which ran for both.")
        if step.forecast == "miss" and imported:
            return Because(
                "imported",
                imported,
                f"No recorded build had made it: it came with the cache imported from {' and '.join(imported)}.",
            )
        if step.forecast == "miss":
            return Because("elsewhere", (), "A build that is not recorded here had made exactly this.")
        given = self._reran(step, by_bytes=True)
        if given:
            sentence = f"{_capital(' and '.join(given))} ran, but what this step takes from it is the same, byte for byte."
            return Because("same-bytes", given, sentence)
        return Because("unchanged", step.because.what, "Nothing that counts for this step has changed.")

    def _reran(self, step: StepForecast, *, by_bytes: bool) -> tuple[str, ...]:
        """The places that a step takes something from and that ran: `line 7`."""
        found = (source for source in step.sources if source.by_bytes == by_bytes)
        return tuple(f"line {source.line}" for source in found if self._states.get(source.line) in _RAN)


def _hits(build: Situation, builds: Sequence[Situation]) -> frozenset[int]:
    """The lines whose results another builder has."""
    return frozenset(step.line for step in Forecaster(builds).predict(build).steps if step.forecast == "hit")


def _state(step: StepForecast, seen: StepState | None) -> StepState:
    if step.forecast in ("no-step", "not-needed"):
        return step.forecast
    if seen is None:
        return "cached" if step.forecast == "hit" else "waiting"
    return seen


def _fetched(step: StepForecast) -> str:
    """What a step gets from elsewhere, for a sentence; "" when it gets nothing."""
    keyword, *words = step.instruction.split()
    if keyword.upper() == "FROM":
        return "The base image"
    return " and ".join(word for word in words if "://" in word) if keyword.upper() == "ADD" else ""


def _without_the_import(because: Because, failed: tuple[str, ...]) -> Because:
    """BuildKit goes on without a cache that it cannot import, and hardly says so."""
    if because.kind != "new" or not failed:
        return because
    return replace(because, sentence=f"{because.sentence} The cache of {' and '.join(failed)} could not be imported.")


def _in_the_past(because: Because) -> Because:
    sentence = because.sentence.replace("runs again", "ran").replace("run again", "ran")
    sentence = sentence.replace("will stop here", "stopped here").replace("will not notice", "did not notice")
    sentence = sentence.replace("Nothing has been built here yet", "No build before this one is recorded for this cache")
    return Because(because.kind, because.what, sentence)


def _with_origins(steps: Iterable[StepExplanation]) -> Iterable[StepExplanation]:
    """Follows each miss back to where it began, and says so where that is further back than the step before."""
    causes: dict[int, Because] = {}
    origins: dict[int, tuple[int, ...]] = {}
    for step in steps:
        passed_on = step.because.kind in _PASSED_ON
        if step.state not in _RAN:
            yield step
            continue
        lines = [source.line for source in step.sources if passed_on and f"line {source.line}" in step.because.what]
        found = tuple(dict.fromkeys(origin for line in lines for origin in origins.get(line, ()))) or (step.line,)
        causes[step.line], origins[step.line] = step.because, found
        far = [line for line in found if line not in lines and line != step.line]
        yield replace(step, origins=found, because=_followed(step.because, [(line, causes[line]) for line in far]))


def _followed(because: Because, beginnings: Sequence[tuple[int, Because]]) -> Because:
    if not beginnings:
        return because
    told = " and ".join(f"line {line}: {change_in_words(cause.kind, cause.what)}" for line, cause in beginnings)
    return replace(because, sentence=f"{because.sentence} It began in {told}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
