"""Forecasts while somebody types: earlier builds are read once, and of the build context only the files that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from speedkit.apps import App, Strategy
from speedkit.builders import BaseRequest, Builder, builder_if_any
from speedkit.builds import dockerfile_text, dockerfile_without_secrets, effective_build_args, options_for
from speedkit.cache import CacheModel, StepForecast, lint
from speedkit.context import Manifest, read_context, read_files_again
from speedkit.dockerfile import Finding
from speedkit.engine import NO_OPTIONS, CommandOptions
from speedkit.errors import DockerfileError, RecordingError
from speedkit.model import Build
from speedkit.recordings import Recording, read_build, read_recording
from speedkit.words.causes import cause_in_margin, cause_in_short, cause_sentences

from .find_builds import recordings
from .relevant_builds import earlier_builds, own_past, past_of
from .situations import base_facts, situation_now

__all__ = ["LiveForecast"]

LONGEST = 12
"""How many characters fit into the margin."""
MANY_FILES = 1000
"""With fewer files than this, looking at all of them takes no time that a person notices."""
TIMED_BUILDS = 12
"""How many earlier builds of the same folder give the usual seconds of a step."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The manifest of a context as of the last look at all files.

    key: the folder, the Dockerfile and the earlier builds that it belongs to. changes: those that the app had made by then.
    """

    key: object
    manifest: Manifest
    changes: int


class LiveForecast:
    """Forecasts for the workbench. In: the app, a strategy and the finished builds. Out: an entry per instruction.

    find_builder: gives the builder that would build; None when no engine answers. build_args, options: of every build;
    options as `checked_options` gives them.
    """

    def __init__(
        self,
        find_builder: Callable[[], Builder | None] = builder_if_any,
        *,
        build_args: Mapping[str, str] = MappingProxyType({}),
        options: CommandOptions = NO_OPTIONS,
    ) -> None:
        self._find_builder = find_builder
        self._build_args, self._options = dict(build_args), options
        self._past_key: object = None
        self._cache_model = CacheModel(())
        self._own: list[Recording] = []
        self._last: Recording | None = None
        self._files: _Files | None = None
        self._froms: list[str] = []
        self._bases: dict[str, dict[str, Any]] = {}
        self._recorded: tuple[str, dict[str, float]] | None = None

    def __call__(self, app: App, strategy: str, builds: Sequence[Build]) -> Iterator[list[dict[str, Any]]]:
        """`line`, `forecast`, `because`, `short`, `ran` and expected `seconds` of every instruction that BuildKit runs.

        An instruction that BuildKit's linter warns of has `warnings` as well, and an entry even when there is nothing to run.

        The first forecast assumes that only the app changed files. Then all files are looked at, which takes longer. A second
        forecast follows if other files have changed, too.
        `because`: the cause as a sentence. `short`: the cause, cut to fit the margin. `ran`: the cause for a step that has run.
        `usual`: the seconds it took when it last ran, here or in an earlier recording; None when it never did. `after`: the
        lines of the steps it takes something from. A Dockerfile that cannot be parsed, as happens while one types, gives [].
        """
        of_strategy, isolation = app.strategy(strategy), _cache(app, strategy, builds)
        self._remember(app, of_strategy, isolation, builds)
        usual = self._recorded_seconds(app) | _usual_seconds(builds)
        for context in self._contexts(app, of_strategy):
            try:
                now = situation_now(
                    app,
                    of_strategy,
                    self._last,
                    context=context,
                    isolation=isolation,
                    build_args=self._arguments(of_strategy),
                    target=of_strategy.target,
                    bases=self._bases,
                    options=options_for(app, of_strategy, self._options),
                )
                forecast = self._cache_model.predict(now)
            except DockerfileError:
                yield []
            else:
                yield _with_warnings([_entry(step, usual.get(step.instruction)) for step in forecast.runnable], lint(now))

    def _arguments(self, strategy: Strategy) -> dict[str, str]:
        return effective_build_args({**strategy.build_args, **self._build_args})

    def _contexts(self, app: App, strategy: Strategy) -> Iterator[Manifest]:
        """The manifest of the context. Where there are many files, one with the app's own changes alone comes first."""
        # The number of changes is read before the files: a change that comes meanwhile is then looked at once more.
        key, changes, last_look = (app.folder, strategy.dockerfile, self._past_key), app.changes, self._files
        quick, before = None, last_look.manifest if last_look is not None else None
        if last_look is not None and last_look.key == key and len(last_look.manifest.entries) > MANY_FILES:
            quick = read_files_again(app.folder, last_look.manifest, app.changed_since(last_look.changes))
        if quick is not None:
            yield quick
        context = read_context(app.folder, dockerfile=strategy.dockerfile, previous=quick or before)
        if self._last is not None and quick is None:
            # Most files are as in the last build: as the same objects, they are compared quickly.
            context = context.made_of(self._last.context)
        self._files = _Files(key, context, changes)
        if context != quick:
            yield context

    def _remember(self, app: App, strategy: Strategy, isolation: str | None, builds: Sequence[Build]) -> None:
        """Read earlier builds again after a new build and for another cache; the base images also when a FROM changed."""
        text, folder = dockerfile_without_secrets(dockerfile_text(strategy.dockerfile)), str(app.folder)
        past_key = (isolation, folder, builds[-1].id if builds else None)
        froms = [line for line in text.split("\n") if line.upper().lstrip().startswith("FROM")]
        if past_key == self._past_key and froms == self._froms:
            return
        # Reading recordings and asking the engine for images takes long: a key press that changes neither must not wait.
        earlier = earlier_builds() if past_key != self._past_key else []
        if past_key != self._past_key:
            self._own = own_past(earlier, isolation=isolation, folder=folder)
        arguments, options = self._arguments(strategy), options_for(app, strategy, self._options)
        request = BaseRequest(dockerfile_text(strategy.dockerfile), arguments, strategy.target, isolation, options)
        self._bases = base_facts(self._find_builder(), request, self._own)
        self._froms = froms
        if past_key != self._past_key:
            past = past_of(earlier, self._own, folder=folder, dockerfile=text, bases=self._bases)
            self._cache_model, self._last = CacheModel(past.situations), past.last
        self._past_key = past_key

    def _recorded_seconds(self, app: App) -> dict[str, float]:
        """The seconds of each instruction in the recordings of this app; read once."""
        source = str(app.source)
        if self._recorded is None or self._recorded[0] != source:
            builds = []
            for recording in recordings(source=source)[-TIMED_BUILDS:]:
                with suppress(RecordingError):
                    builds.append(read_build(recording))
            self._recorded = source, _usual_seconds(builds)
        return self._recorded[1]


def _cache(app: App, strategy: str, builds: Sequence[Build]) -> str | None:
    """The cache of the strategy's last build; for a strategy that was never built, the cache that it would share."""
    for build in reversed(builds):
        if build.strategy == strategy and build.folder is not None and build.folder.is_dir():
            return read_recording(build.folder).meta.isolation
    return app.cache_of(strategy)


def _usual_seconds(builds: Iterable[Build]) -> dict[str, float]:
    """The seconds of each instruction when it last ran."""
    return {step.instruction: step.seconds for build in builds for step in build.instructions if step.state == "ran"}


def _with_warnings(entries: list[dict[str, Any]], findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The entries of a forecast with the linter's `warnings`, in the order of the Dockerfile."""
    by_line: dict[int, list[str]] = {}
    for finding in findings:
        by_line.setdefault(finding.line, []).append(f"{finding.sentence} ({finding.rule})")
    lines = {entry["line"] for entry in entries}
    nothing_to_run = [{"line": line, "forecast": "no-step", "because": ""} for line in by_line if line not in lines]
    # A FROM and the ONBUILD triggers of its image share a line: the first entry of a line has the warnings.
    ordered = sorted([*entries, *nothing_to_run], key=lambda entry: int(entry["line"]))
    return [entry | {"warnings": by_line.pop(entry["line"], [])} for entry in ordered]


def _entry(step: StepForecast, seconds: float | None) -> dict[str, Any]:
    short = cause_in_margin(step.cause)
    return {
        "line": step.line,
        "forecast": step.forecast,
        "because": cause_sentences(step.cause, step.also, "will"),
        "short": short if len(short) <= LONGEST else short[: LONGEST - 1] + "…",
        "ran": cause_in_short(step.cause) if step.forecast == "miss" else "",
        "seconds": 0.0 if step.forecast == "hit" else seconds,
        "usual": seconds,
        "after": [source.line for source in step.sources],
    }
