"""Forecasts again and again while somebody types: the past is read once, and only files that changed are read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from speedkit.apps import App, Strategy
from speedkit.builders import BaseRequest, Builder, builder_if_any
from speedkit.builds import dockerfile_text, sent_arguments, without_secrets
from speedkit.cache import CacheModel, StepForecast
from speedkit.context import Manifest, read_context, read_files_again
from speedkit.errors import DockerfileError, RecordingError
from speedkit.model import Build
from speedkit.recordings import Recording, read_build, read_recording
from speedkit.words.causes import in_margin, in_short, sentences

from .find_builds import recordings
from .relevant_builds import earlier_builds, own_past, past_of
from .situations import base_facts, situation_now

__all__ = ["LiveForecast"]

LONGEST = 12
"""How many characters the margin has room for."""
MANY_FILES = 1000
"""To look at fewer takes no time that anybody would notice."""
TIMED_BUILDS = 12
"""How many earlier builds of the same folder say how long a step may take."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a context when all of them were looked at. changes: those made through the app until then."""

    belong_to: object
    manifest: Manifest
    changes: int


class LiveForecast:
    """A forecaster for the workbench: the app, a strategy and the finished builds in, an entry per instruction out.

    find_builder: gives what would build; None when no engine answers.
    """

    def __init__(self, find_builder: Callable[[], Builder | None] = builder_if_any) -> None:
        self._find_builder = find_builder
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

        The first forecast takes the files that were not changed through the app for what they were. Where a look at all of
        them, which takes longer, shows something else, a second one follows.
        `because`: the cause as a sentence. `short`: as the margin has room for it. `ran`: as a step says it once it has run.
        `usual`: how long it took when it ran last, here or in an earlier recording; None when it never did. `after`: the
        lines it takes something from. A Dockerfile that cannot be read, as happens while one types, has no forecast.
        """
        chosen, isolation = app.strategy(strategy), _cache(app, strategy, builds)
        self._remember(app, chosen, isolation, builds)
        usual = self._recorded_seconds(app) | _usual_seconds(builds)
        for context in self._contexts(app, chosen):
            try:
                now = situation_now(
                    app,
                    chosen,
                    self._last,
                    context=context,
                    isolation=isolation,
                    build_args=sent_arguments({}),
                    target=None,
                    bases=self._bases,
                )
                forecast = self._cache_model.predict(now)
            except DockerfileError:
                yield []
            else:
                yield [_entry(step, usual.get(step.instruction)) for step in forecast.runnable]

    def _contexts(self, app: App, strategy: Strategy) -> Iterator[Manifest]:
        """The files of the context: where they are many as far as they are known at once, then as they are."""
        belong_to, changes, known = (app.folder, strategy.dockerfile, self._past_key), app.changes, self._files
        quick, before = None, known.manifest if known is not None else None
        if known is not None and known.belong_to == belong_to and len(known.manifest.entries) > MANY_FILES:
            quick = read_files_again(app.folder, known.manifest, app.changed_since(known.changes))
        if quick is not None:
            yield quick
        context = read_context(app.folder, dockerfile=strategy.dockerfile, previous=quick or before)
        if self._last is not None and quick is None:
            context = context.made_of(self._last.context)
        self._files = _Files(belong_to, context, changes)
        if context != quick:
            yield context

    def _remember(self, app: App, strategy: Strategy, isolation: str | None, builds: Sequence[Build]) -> None:
        """Read the past again when there is more of it, or another cache is asked for; the bases also when a FROM changed."""
        text, folder = without_secrets(dockerfile_text(strategy.dockerfile)), str(app.folder)
        past_key = (isolation, folder, builds[-1].id if builds else None)
        froms = [line for line in text.split("\n") if line.upper().lstrip().startswith("FROM")]
        if past_key == self._past_key and froms == self._froms:
            return
        earlier = earlier_builds() if past_key != self._past_key else []
        if past_key != self._past_key:
            self._own = own_past(earlier, isolation=isolation, folder=folder)
        request = BaseRequest(dockerfile_text(strategy.dockerfile), sent_arguments({}), None, isolation)
        self._bases = base_facts(self._find_builder(), request, self._own)
        self._froms = froms
        if past_key != self._past_key:
            past = past_of(earlier, self._own, folder=folder, dockerfile=text, bases=self._bases)
            self._cache_model, self._last = CacheModel(past.situations), past.last
        self._past_key = past_key

    def _recorded_seconds(self, app: App) -> dict[str, float]:
        """How long each instruction took in what was recorded of this app before; read once."""
        source = str(app.source)
        if self._recorded is None or self._recorded[0] != source:
            found = [recording for recording in recordings() if recording.meta.source == source]
            self._recorded = source, _usual_seconds(_readable(found[-TIMED_BUILDS:]))
        return self._recorded[1]


def _readable(found: Sequence[Recording]) -> Iterator[Build]:
    for recording in found:
        with suppress(RecordingError):
            yield read_build(recording)


def _cache(app: App, strategy: str, builds: Sequence[Build]) -> str | None:
    """The cache that the strategy's last build shared; for one never built, the one that it would share."""
    for build in reversed(builds):
        if build.strategy == strategy and build.folder is not None and build.folder.is_dir():
            return read_recording(build.folder).meta.isolation
    return app.cache_of(strategy)


def _usual_seconds(builds: Iterable[Build]) -> dict[str, float]:
    """How long each instruction took when it ran last."""
    return {step.instruction: step.seconds for build in builds for step in build.instructions if step.state == "ran"}


def _entry(step: StepForecast, seconds: float | None) -> dict[str, Any]:
    short = in_margin(step.cause)
    return {
        "line": step.line,
        "forecast": step.forecast,
        "because": sentences(step.cause, step.also, "will"),
        "short": short if len(short) <= LONGEST else short[: LONGEST - 1] + "…",
        "ran": in_short(step.cause) if step.forecast == "miss" else "",
        "seconds": 0.0 if step.forecast == "hit" else seconds,
        "usual": seconds,
        "after": [source.line for source in step.sources],
    }
