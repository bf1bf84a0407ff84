"""Forecasts of an app's next builds that need no earlier one: they take the app for just built, and then change some files.

The verdicts hold on every machine, as a gate in CI needs it. Recordings and an engine tell only about the base images: their
variables and ONBUILD instructions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from speedkit.apps import App, Strategy
from speedkit.builders import BaseRequest, base_names, builder_if_any
from speedkit.builds import dockerfile_text, effective_build_args, options_for
from speedkit.cache import CacheModel, Forecast, Situation
from speedkit.context import Entry, Manifest, read_context
from speedkit.engine import NO_OPTIONS
from speedkit.errors import DockerfileError, RecordingError
from speedkit.model import Build
from speedkit.recordings import Recording, read_build

from .changed_files import with_changed_files
from .find_builds import recordings
from .relevant_builds import earlier_builds, own_past
from .situations import base_facts, situation_now, situation_of

__all__ = ["AssumedBuild"]


class AssumedBuild:
    """An app as if it had just been built as it is now.

    context: the files of its build context. named_contexts: those of the named build contexts that are folders.
    Raises: DockerfileError, NoDockerfile, Misuse for an option that cannot be.
    """

    def __init__(self, app: App, strategy: str | None = None, *, sources: Collection[Path] = ()) -> None:
        """sources: further folders that recordings may name as the source of the same project."""
        self._app, self._sources = app, tuple(sources)
        of_strategy = app.strategy(strategy)
        self.context: Manifest = read_context(app.folder, dockerfile=of_strategy.dockerfile)
        self._now = self._situation(of_strategy)
        self._model = CacheModel([self._now])
        # `CacheModel` passes over a Dockerfile that BuildKit rejects; here the error is the answer.
        self._model.plan(self._now)

    @property
    def named_contexts(self) -> dict[str, Manifest]:
        return {name: one for name, one in self._now.contexts.items() if isinstance(one, Manifest)}

    def forecast(self, changed: Collection[str] = (), named: Mapping[str, Collection[str]] = MappingProxyType({})) -> Forecast:
        """The forecast for the next build. changed: paths of files in the build context that have other content then.

        named: by the name of a named build context, such paths in it.
        Raises: EditDoesNotApply for a path that is no file of the build context.
        """
        contexts = {name: with_changed_files(one, named.get(name, ())) for name, one in self.named_contexts.items()}
        then = replace(
            self._now, context=with_changed_files(self.context, changed), contexts={**self._now.contexts, **contexts}
        )
        return self._model.predict(then)

    def recorded(self) -> tuple[Build, ...]:
        """The recorded builds that were made of exactly what is there now, oldest first."""
        return tuple(read_build(recording) for recording, _ in self._recorded)

    def recorded_after_change(self, paths: Collection[str]) -> tuple[Build, ...]:
        """Those whose cache had been filled by a build in which only some of these files of the context were different."""
        builds = []
        for recording, situation in self._recorded:
            meta = recording.meta
            before = own_past(earlier_builds(recording), isolation=meta.isolation, folder=meta.folder, builder=meta.builder)
            for earlier in before[-1:]:
                with suppress(RecordingError, DockerfileError):
                    differing = _differing(situation_of(earlier), situation)
                    if differing and differing <= set(paths):
                        builds.append(read_build(recording))
        return tuple(builds)

    @cached_property
    def _recorded(self) -> tuple[tuple[Recording, Situation], ...]:
        sources = {str(self._app.source), *map(str, self._sources)}
        equal = []
        for recording in recordings():
            if recording.meta.outcome == "done" and recording.meta.source in sources:
                with suppress(RecordingError, DockerfileError):
                    situation = situation_of(recording)
                    if _differing(situation, self._now) == frozenset():
                        equal.append((recording, situation))
        return tuple(equal)

    def _situation(self, strategy: Strategy) -> Situation:
        app, isolation = self._app, self._app.cache_of(strategy.name)
        options, arguments = options_for(app, strategy, NO_OPTIONS), effective_build_args(strategy.build_args)
        request = BaseRequest(dockerfile_text(strategy.dockerfile), arguments, strategy.target, isolation, options)
        own = own_past(earlier_builds(), isolation=isolation, folder=str(app.folder))
        return situation_now(
            app,
            strategy,
            own[-1] if own else None,
            context=self.context,
            isolation=isolation,
            build_args=arguments,
            target=strategy.target,
            bases=_assumed_bases(base_names(request), base_facts(builder_if_any(), request, own)),
            options=options,
        )


def _assumed_bases(names: Collection[str], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The facts of each base image, as of an image that is there; an unknown one has only an identity of its own."""
    unknown = {name: {"id": name, "layers": [f"always {name}"]} for name in names}
    return unknown | {name: {**base, "gone": False} for name, base in facts.items()}


def _differing(one: Situation, other: Situation) -> frozenset[str] | None:
    """The paths of the build context that differ between two builds; None where anything else differs too."""
    names = ("dockerfile", "build_args", "target", "contexts", "platform", "options")
    if any(getattr(one, name) != getattr(other, name) for name in names):
        return None
    before, after = _contents(one.context), _contents(other.context)
    return frozenset(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _contents(context: Manifest) -> dict[str, Entry]:
    """The entries of a context without their times, which no cache key has."""
    return {entry.path: entry._replace(mtime_ns=0) for entry in context.entries}
