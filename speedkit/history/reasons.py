"""Reasons: which steps would run if an app were built now, and why the steps of a finished build were cached or ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedkit.apps import App
from speedkit.build_records import ELSEWHERE
from speedkit.builders import SYNTAX_ARGUMENT, BaseRequest, base_names, builder_if_any
from speedkit.builds import dockerfile_text, effective_build_args, options_for
from speedkit.cache import OtherCaches, StepExplanation, StepForecast, lint
from speedkit.cache import explain as explain_situation
from speedkit.cache import predict as predict_situation
from speedkit.causes import (
    BaseHere,
    BuiltElsewhere,
    Cause,
    Evicted,
    Imported,
    NewToCache,
    NotInThatCache,
    NotNeeded,
    NotReached,
    NotRecorded,
    OnlySettings,
    StageBegins,
    StartedEmpty,
)
from speedkit.context import read_context
from speedkit.dockerfile import Finding
from speedkit.engine import NO_OPTIONS, CommandOptions
from speedkit.errors import NoHistory, SpeedkitError
from speedkit.messages import facts_in_one, join_names, message, plural, sentences
from speedkit.model import Build, Step
from speedkit.recordings import Meta, Recording, read_build, read_recording
from speedkit.rendering import Reason, reasons_html, warnings_html
from speedkit.words import FORECASTS

from .changed_files import with_changed_files
from .find_builds import recording_of
from .plain_builds import find_plain_builds
from .relevant_builds import earlier_builds, other_builders, own_past, past_of
from .situations import base_facts, situation_now, situation_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Reasons", "explain", "predict"]

IMPORTING = "importing cache manifest from "
"""How BuildKit names the vertex that imports a cache of `--cache-from`."""


@dataclass(frozen=True)
class Reasons:
    """A reason for every step of a build that was, or would be, made. Shown as a table in a notebook.

    build: the build that is explained; None for a forecast. warnings: of BuildKit's linter, for a forecast.
    replaced_frontend: the frontend that `# syntax=` names, where the engine's own frontend reads the Dockerfile.
    """

    title: str
    steps: tuple[Reason, ...]
    build: Build | None = None
    replaced_frontend: str | None = None
    warnings: tuple[Finding, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """A row per step: line, stage, instruction, state, seconds (of a finished build), and because."""
        from speedkit.data_frame import Frame

        seconds = ["seconds"] if self.build is not None else []
        columns = ["line", "stage", "instruction", "state", *seconds, "because"]
        return Frame([[getattr(step, name) for name in columns] for step in self.steps], columns=columns)

    def _repr_html_(self) -> str:
        return reasons_html(self.title, self.steps) + warnings_html(self.warnings)


def predict(
    app: App,
    strategy: str | None = None,
    *,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    builder: str | None = None,
    changed: Sequence[str] = (),
    options: CommandOptions = NO_OPTIONS,
) -> Reasons:
    """A forecast for a build made now: `hit`, `miss` or `depends` for every step, and why. Builds nothing.

    builder: the name of a builder of buildx, as in `build`; None is the one inside the engine.
    changed: files of the build context to take as changed, though they are not. options: as in `build`; a forecast reads no
    secret.
    The forecast uses the recorded builds that share the app's cache; without any, everything would run. An engine that answers
    is asked only which images it has, and whether a registry answers for the frontend that `# syntax=` names.
    Raises: UnknownStrategy, UnknownBuilder, DockerfileError, EditDoesNotApply for a file that is not in the context,
    Misuse for an option that cannot be.
    """
    of_strategy = app.strategy(strategy)
    checked = options_for(app, of_strategy, options)
    target = target or of_strategy.target
    arguments = effective_build_args({**of_strategy.build_args, **(build_args or {})})
    folder, isolation = str(app.folder), app.cache_of(of_strategy.name)
    named_builder = builder_if_any(builder)
    name = builder if named_builder is None else named_builder.name
    request = BaseRequest(dockerfile_text(of_strategy.dockerfile), arguments, target, isolation, checked)
    find_plain_builds(folder, builder)
    earlier = earlier_builds()
    own = own_past(earlier, isolation=isolation, folder=folder, builder=name)
    bases = base_facts(named_builder, request, own)
    past = past_of(earlier, own, folder=folder, dockerfile=request.dockerfile, bases=bases, builder=name)
    # All files are read, also those that no build asked for yet: BuildKit may have forgotten its copy of the context.
    context = with_changed_files(read_context(app.folder, dockerfile=of_strategy.dockerfile), changed)
    now = situation_now(
        app,
        of_strategy,
        past.last,
        context=context,
        isolation=isolation,
        build_args=arguments,
        target=target,
        bases=bases,
        options=checked,
    )
    forecast = predict_situation(past.situations, now)
    steps = tuple(_reason(step, step.forecast) for step in forecast.steps)
    frontend = None
    if named_builder is not None and (now.dockerfile.syntax or SYNTAX_ARGUMENT in arguments):
        # An engine that went away since has nothing to say about it, and the forecast holds all the same.
        with suppress(SpeedkitError):
            frontend = named_builder.frontend_replaced_now(request.dockerfile, request.build_args)
    replaced = [reference for reference in base_names(request) if checked.base_for(reference) is not None]
    title = _expected(steps, frontend)
    if replaced:
        title += ", " + message("with other images in place of {names}", names=join_names(replaced))
    return Reasons(title, steps, replaced_frontend=frontend, warnings=lint(now))


def _on_one_line(facts: Sequence[str], replaced_frontend: str | None) -> str:
    """Facts with commas between them; the frontend that was replaced comes last."""
    if replaced_frontend is None:
        return facts_in_one(facts)
    return facts_in_one([*facts, message("stand-in frontend for {name}", name=replaced_frontend)])


def _expected(steps: tuple[Reason, ...], replaced_frontend: str | None) -> str:
    counts = {word: sum(step.state == word for step in steps) for word in FORECASTS}
    facts = [
        message("{count} cached", count=counts["hit"]),
        plural("{count:,} step runs", "{count:,} steps run", counts["miss"]),
    ]
    if depends := counts["depends"]:
        facts.append(plural("{count:,} step depends on another", "{count:,} steps depend on another", depends))
    return message("If you build now: {facts}", facts=_on_one_line(facts, replaced_frontend))


def explain(build: Build | str | None = None) -> Reasons:
    """Why each step of a finished build was cached or ran.

    build: a build, its id, or None for the newest.
    Raises: NoHistory, RecordingError, DockerfileError.
    """
    if build is None:
        find_plain_builds()
    recording = _recording(build)
    meta, recorded = recording.meta, read_build(recording)
    if meta.builder != ELSEWHERE:
        find_plain_builds(meta.folder, meta.builder)
    if meta.imported and {"build context", "Dockerfile"} & set(meta.imported["unknown"]):
        return _states_alone(meta, recorded)
    earlier = earlier_builds(recording)
    own = own_past(earlier, isolation=meta.isolation, folder=meta.folder, builder=meta.builder)
    past = past_of(
        earlier,
        own,
        folder=meta.folder,
        dockerfile=recording.dockerfile,
        bases=meta.bases,
        builder=meta.builder,
        recording=recording,
    )
    others = OtherCaches(other_builders(earlier, recording), imports_of(recorded, ok=True), imports_of(recorded, ok=False))
    explanation = explain_situation(situation_of(recording, recorded), past.situations, others)
    # In a cache that was empty, every step is new for one and the same reason.
    first = meta.isolation is not None and not past.own
    seconds = {(step.line, step.instruction): step.seconds for step in recorded.instructions if step.ran}
    steps = tuple(
        _reason(
            step,
            step.state,
            first=first,
            seconds=seconds.get((step.line, step.instruction), 0.0),
            is_elsewhere=meta.builder == ELSEWHERE,
        )
        for step in explanation.steps
    )
    return Reasons(_happened(meta, steps), steps, recorded, meta.replaced_frontend)


def _happened(meta: Meta, steps: Sequence[Reason]) -> str:
    cached = sum(step.state == "cached" for step in steps)
    ran = sum(step.state in ("ran", "failed") for step in steps)
    name = f"{meta.strategy}, {meta.edit}" if meta.edit not in ("", "none") else meta.strategy
    facts = [message("{count} cached", count=cached), message("{count} ran", count=ran)]
    return f"{name}: {_on_one_line(facts, meta.replaced_frontend)}"


def _states_alone(meta: Meta, build: Build) -> Reasons:
    """The states of the steps of a build that was made elsewhere, where its record does not have what the reasons depend on."""

    def cause(step: Step) -> Cause:
        if step.state == "no-step":
            return StageBegins() if step.instruction.startswith("FROM ") else OnlySettings()
        if step.state == "not-needed":
            return NotNeeded(step.stage)
        return NotReached() if step.state == "waiting" else NotRecorded()

    steps = tuple(
        Reason(
            step.line,
            step.stage,
            step.instruction,
            step.state,
            cause(step),
            seconds=step.seconds if step.ran else 0.0,
        )
        for step in build.instructions
        if step.line is not None
    )
    if not steps and meta.imported:
        # Not "0 cached, 0 ran": the build did run steps.
        title = message(
            "{name}: {cached} of {count} steps cached, as the record counts them. Their names do not tell how its stages "
            "connect, so no step is shown.",
            name=meta.strategy,
            cached=meta.imported["cached_steps"],
            count=meta.imported["steps"],
        )
        return Reasons(title, steps, build)
    return Reasons(_happened(meta, steps), steps, build)


def imports_of(build: Build, *, ok: bool) -> tuple[str, ...]:
    """Where a build imported caches from. ok: False for the caches that could not be imported."""
    imports = (step for step in build.step_list if step.name.startswith(IMPORTING) and (step.error is None) == ok)
    return tuple(dict.fromkeys(step.name.removeprefix(IMPORTING) for step in imports))


def _recording(build: Build | str | None) -> Recording:
    if not isinstance(build, Build):
        return recording_of(build)
    if build.folder is None:
        why = sentences(build.notices) or message("Explain it when it is done.")
        raise NoHistory(message("The build {id} has no recording.", id=build.id), fix=why)
    return read_recording(build.folder)


def _reason(
    step: StepForecast | StepExplanation, state: str, *, first: bool = False, seconds: float = 0.0, is_elsewhere: bool = False
) -> Reason:
    """The reason of one step. first: it is the first build in its cache, so a new step is no surprise.

    is_elsewhere: the build was made elsewhere. Nobody knows whether one builder made it and the builds before.
    """
    cause: Cause = step.cause
    if first and isinstance(cause, NewToCache):
        cause = StartedEmpty()
    elif is_elsewhere and isinstance(cause, Evicted):
        cause = NotInThatCache()
    elif isinstance(cause, BuiltElsewhere | Imported) and step.instruction.startswith("FROM "):
        # FROM runs nothing. It counts only that the image is here, and not which build or import brought it.
        cause = BaseHere()
    also = step.also if cause is step.cause else ()
    origins = step.origins if isinstance(step, StepExplanation) else ()
    return Reason(step.line, step.stage, step.instruction, state, cause, also, seconds, step.sources, origins)
