"""Why: what would run if an app were built now, and why the steps of a finished build were cached or ran."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from speedkit.apps import App
from speedkit.builders import SYNTAX_ARGUMENT, BaseRequest, Builder, builder_if_any
from speedkit.builds import dockerfile_text, sent_arguments
from speedkit.cache import OtherCaches, StepExplanation, StepForecast
from speedkit.cache import explain as explain_situation
from speedkit.cache import predict as predict_situation
from speedkit.causes import BaseHere, BuiltElsewhere, Cause, Imported, New, StartedEmpty
from speedkit.context import Entry, Manifest, read_context
from speedkit.errors import EditDoesNotApply, NoHistory, SpeedkitError
from speedkit.messages import message, plural
from speedkit.model import Build
from speedkit.recordings import Recording, read_build, read_recording
from speedkit.rendering import Reason, reasons_html
from speedkit.words import FORECASTS

from .find_builds import recording_of
from .relevant_builds import earlier_builds, other_builders, own_past, past_of
from .situations import base_facts, situation_now, situation_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Reasons", "explain", "predict"]

IMPORTING = "importing cache manifest from "
"""How BuildKit names the step that fetches what `--cache-from` names."""


@dataclass(frozen=True)
class Reasons:
    """A reason for every step of a build that was, or would be, made. Shown as a table in a notebook.

    build: the build that is explained; None for a forecast. replaced_frontend: what `# syntax=` names, where the engine's
    own frontend reads the Dockerfile.
    """

    title: str
    steps: tuple[Reason, ...]
    build: Build | None = None
    replaced_frontend: str | None = None

    @property
    def table(self) -> pd.DataFrame:
        """A row per step: line, stage, instruction, state, of a build also seconds, and because."""
        from speedkit.data_frame import Frame

        seconds = ["seconds"] if self.build is not None else []
        columns = ["line", "stage", "instruction", "state", *seconds, "because"]
        return Frame([[getattr(step, name) for name in columns] for step in self.steps], columns=columns)

    def _repr_html_(self) -> str:
        return reasons_html(self.title, self.steps)


def predict(
    app: App,
    strategy: str | None = None,
    *,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    builder: str | None = None,
    changed: Sequence[str] = (),
) -> Reasons:
    """What would happen if the app were built now: `hit`, `miss` or `depends` for every step, and why. Builds nothing.

    builder: the name of a builder of buildx, as in `build`; None is the one inside the engine.
    changed: files of the build context to take as changed, though they are not.
    It rests on the recorded builds that share the app's cache; with none, everything would run. An engine that answers is
    asked only which images it has, and whether a registry answers for the frontend that `# syntax=` names.
    Raises: UnknownStrategy, UnknownBuilder, DockerfileError, EditDoesNotApply for a file that is not in the context.
    """
    chosen = app.strategy(strategy)
    folder, isolation, arguments = str(app.folder), app.cache_of(chosen.name), sent_arguments(build_args or {})
    at_work = builder_if_any(builder)
    name = builder if at_work is None else at_work.name
    request = BaseRequest(dockerfile_text(chosen.dockerfile), arguments, target, isolation)
    earlier = earlier_builds()
    own = own_past(earlier, isolation=isolation, folder=folder, builder=name)
    bases = base_facts(at_work, request, own)
    past = past_of(earlier, own, folder=folder, dockerfile=request.dockerfile, bases=bases, builder=name)
    # All files are read: BuildKit may have forgotten what the build before was sent.
    context = _with_changes(read_context(app.folder, dockerfile=chosen.dockerfile), changed)
    now = situation_now(
        app, chosen, past.last, context=context, isolation=isolation, build_args=arguments, target=target, bases=bases
    )
    forecast = predict_situation(past.situations, now)
    steps = tuple(_reason(step, step.forecast) for step in forecast.steps)
    frontend = _replaced_frontend(at_work, request) if now.dockerfile.syntax or SYNTAX_ARGUMENT in arguments else None
    return Reasons(_expected(steps, frontend), steps, replaced_frontend=frontend)


def _replaced_frontend(builder: Builder | None, request: BaseRequest) -> str | None:
    """The frontend that the engine's own would take the place of; None where no engine can say."""
    if builder is not None:
        with suppress(SpeedkitError):
            return builder.frontend_replaced_now(request.dockerfile, request.build_args)
    return None


def _listed(facts: Sequence[str], replaced_frontend: str | None) -> str:
    """Facts on one line, with what was replaced behind them."""
    if replaced_frontend is None:
        return ", ".join(facts)
    return ", ".join([*facts, message("stand-in frontend for {name}", name=replaced_frontend)])


def _with_changes(context: Manifest, changed: Sequence[str]) -> Manifest:
    """A manifest in which some files have other content."""
    names = {name.removeprefix("./") for name in changed}
    for name in sorted(names):
        found = context.by_path.get(name)
        if found is None or found.kind != "file":
            raise EditDoesNotApply(
                message("{name} is not a file of the build context.", name=name),
                fix=message("Name one that `.dockerignore` lets in."),
            )
    entries = (_other_content(entry) if entry.path in names else entry for entry in context.entries)
    return replace(context, entries=tuple(entries))


def _other_content(entry: Entry) -> Entry:
    digest = hashlib.sha256(f"changed {entry.digest}".encode()).hexdigest()
    return entry._replace(digest=digest, mtime_ns=entry.mtime_ns + 1)


def _expected(steps: tuple[Reason, ...], replaced_frontend: str | None) -> str:
    counts = {word: sum(step.state == word for step in steps) for word in FORECASTS}
    facts = [
        message("{count} cached", count=counts["hit"]),
        plural("{count:,} step runs", "{count:,} steps run", counts["miss"]),
    ]
    if depends := counts["depends"]:
        facts.append(plural("{count:,} step depends on another", "{count:,} steps depend on another", depends))
    return message("If you build now: {facts}", facts=_listed(facts, replaced_frontend))


def explain(build: Build | str | None = None) -> Reasons:
    """Why each step of a finished build was cached or ran.

    build: a build, the id of one, or None for the newest.
    Raises: NoHistory, RecordingError, DockerfileError.
    """
    recording = _recording(build)
    meta, seen = recording.meta, read_build(recording)
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
    others = OtherCaches(other_builders(earlier, recording), imports_of(seen, ok=True), imports_of(seen, ok=False))
    found = explain_situation(situation_of(recording, seen), past.situations, others)
    first = meta.isolation is not None and not past.own
    seconds = {(step.line, step.instruction): step.seconds for step in seen.instructions if step.ran}
    steps = tuple(
        _reason(step, step.state, first=first, seconds=seconds.get((step.line, step.instruction), 0.0)) for step in found.steps
    )
    cached = sum(step.state == "cached" for step in steps)
    ran = sum(step.state in ("ran", "failed") for step in steps)
    name = f"{meta.strategy}, {meta.edit}" if meta.edit not in ("", "none") else meta.strategy
    facts = [message("{count} cached", count=cached), message("{count} ran", count=ran)]
    return Reasons(f"{name}: {_listed(facts, meta.replaced_frontend)}", steps, seen, meta.replaced_frontend)


def imports_of(build: Build, *, ok: bool) -> tuple[str, ...]:
    """Where a build imported caches from, or could not."""
    found = (step for step in build.step_list if step.name.startswith(IMPORTING) and (step.error is None) == ok)
    return tuple(dict.fromkeys(step.name.removeprefix(IMPORTING) for step in found))


def _recording(build: Build | str | None) -> Recording:
    if not isinstance(build, Build):
        return recording_of(build)
    if build.folder is None:
        why = " ".join(build.notices) or message("Explain it when it is done.")
        raise NoHistory(message("The build {id} has no recording.", id=build.id), fix=why)
    return read_recording(build.folder)


def _reason(step: StepForecast | StepExplanation, state: str, *, first: bool = False, seconds: float = 0.0) -> Reason:
    """first: nothing was built before in the cache."""
    cause: Cause = step.cause
    if first and isinstance(cause, New):
        cause = StartedEmpty()
    elif isinstance(cause, BuiltElsewhere | Imported) and step.instruction.startswith("FROM "):
        cause = BaseHere()
    also = step.also if cause is step.cause else ()
    origins = step.origins if isinstance(step, StepExplanation) else ()
    return Reason(step.line, step.stage, step.instruction, state, cause, also, seconds, step.sources, origins)
