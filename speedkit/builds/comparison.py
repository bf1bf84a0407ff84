"""Compares strategies and edits by real builds, which are interleaved and isolated from each other."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from speedkit.apps import COLD, App
from speedkit.builders import Builder, EngineBuilder
from speedkit.engine import NO_OPTIONS, CancellableCommand, CommandOptions, checked_options, connect, require_secrets
from speedkit.messages import message
from speedkit.model import Build

from .host_commands import FOR_AN_IMAGE, host_environment, run_host_command
from .progress import Watch, quiet_or_notebook
from .request import BuildOptions
from .running_build import start_on_builder

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "Run", "compare"]


@dataclass(frozen=True, slots=True)
class Run:
    """One measured build: trial `trial` of an edit under a strategy."""

    strategy: str
    edit: str
    trial: int
    build: Build = field(repr=False)

    @property
    def row(self) -> dict[str, object]:
        """The run as `speedkit compare --json` prints it."""
        steps = [step for step in self.build.instructions if step.state in ("cached", "ran", "failed")]
        return {
            "strategy": self.strategy,
            "edit": self.edit,
            "trial": self.trial,
            "seconds": round(self.build.seconds, 4),
            "steps": len(steps),
            "cached_steps": sum(step.cached for step in steps),
            "image_bytes": self.build.image_bytes,
            "ok": self.build.ok,
        }


@dataclass(frozen=True)
class Comparison:
    """The runs of a comparison, in the order in which they were measured.

    edits: the edits to show. The first, cold build of each trial is among `runs` in any case.
    """

    runs: tuple[Run, ...] = field(repr=False)
    edits: tuple[str, ...]

    @property
    def builds(self) -> tuple[Build, ...]:
        return tuple(run.build for run in self.runs)

    @property
    def rows(self) -> list[dict[str, object]]:
        return [run.row for run in self.runs if run.edit in self.edits]

    @property
    def table(self) -> pd.DataFrame:
        """A row per run: strategy, edit, trial, seconds, steps, cached_steps, image_bytes, ok, stand_in, stand_ins."""
        from speedkit.data_frame import Frame

        return Frame(
            [
                run.row | {"stand_in": run.build.stand_in, "stand_ins": run.build.stand_ins}
                for run in self.runs
                if run.edit in self.edits
            ]
        )

    @property
    def summary(self) -> pd.DataFrame:
        """A row per strategy and edit: median, lowest and highest seconds, and the number of runs behind them."""
        from speedkit.data_frame import Frame

        groups: dict[tuple[str, str], list[Build]] = {}
        for run in self.runs:
            if run.edit in self.edits:
                groups.setdefault((run.strategy, run.edit), []).append(run.build)
        return Frame([_summary(strategy, edit, builds) for (strategy, edit), builds in groups.items()])


def _summary(strategy: str, edit: str, builds: Sequence[Build]) -> dict[str, object]:
    seconds = [build.seconds for build in builds]
    return {
        "strategy": strategy,
        "edit": edit,
        "median_seconds": statistics.median(seconds),
        "low_seconds": min(seconds),
        "high_seconds": max(seconds),
        "runs": len(seconds),
        "ok": all(build.ok for build in builds),
        "stand_in": any(build.stand_in for build in builds),
        "stand_ins": next((build.stand_ins for build in builds if build.stand_ins), ""),
    }


def compare(
    app: App,
    strategies: Sequence[str] | None = None,
    edits: Sequence[str] = ("none", "rename-field"),
    *,
    repeat: int = 1,
    cold: bool = True,
    watch: Callable[[int], Watch] = quiet_or_notebook,
    builder: Builder | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    options: CommandOptions = NO_OPTIONS,
) -> Comparison:
    """Real builds of every strategy under every edit, `repeat` times, interleaved.

    Each trial of a strategy begins with a build for which nothing is cached (shown as the edit "cold" if `edits` has it). Then
    each edit is made to the unchanged sources and built. Strategies take turns, so that a machine that slows down slows all of
    them. Afterwards the app is as it was before.
    builder: makes the builds; None is the builder inside the engine.
    target, build_args, options: of every build, as in `build`; without tags, since these images are made to be measured.
    cold: False leaves the cold builds out, and goes on with the cache of the app's builds so far.
    Raises: UnknownStrategy, UnknownEdit, EditDoesNotApply, FileRefused, and what a build raises.
    """
    checked = checked_options(options)
    require_secrets(checked)
    build_options = BuildOptions(target=target, build_args=dict(build_args or {}), options=checked)
    names = [app.strategy(name).name for name in strategies] if strategies else list(app.strategies)
    real_edits = [edit for edit in edits if edit != COLD]
    # Each edit is made and undone once, since a failure should come before the first of many builds.
    for edit in real_edits:
        app.require_edit(edit)
        app.reset()
        try:
            app.edit(edit)
        finally:
            app.reset()
    builder = builder or EngineBuilder(connect())
    runs: list[Run] = []
    sequence = [COLD, *real_edits] if cold else real_edits
    with watch(repeat * len(names) * len(sequence)) as painter:
        for trial in range(1, repeat + 1):
            # Cold builds get new tokens, whose caches are empty: nothing from the trial before is in them.
            caches = {name: f"{uuid.uuid4().hex[:12]}-{name}" if cold else app.cache_of(name) for name in names}
            for edit in sequence:
                for name in names:
                    painter.begin(
                        message("{strategy}, {edit}, trial {trial}", strategy=name, edit=edit, trial=trial)
                        if repeat > 1
                        else message("{strategy}, {edit}", strategy=name, edit=edit)
                    )
                    options_now = replace(build_options, edit=edit, isolation=caches[name])
                    built = _build_edited(builder, app, name, options_now)
                    runs.append(Run(name, edit, trial, built))
                    painter.end(built)
    return Comparison(tuple(runs), tuple(edits))


def _settle_host(app: App, strategy: str, cache: str | None) -> None:
    """Run a strategy's host commands for the unchanged sources, without measuring.

    The build before left the program of another edit. Without this, the next edit would be measured together with the way back:
    Go would link again even where nothing changed. BuildKit keeps the results of all builds, so it needs no such care.
    """
    for place, argv in enumerate(app.strategy(strategy).host_commands, 1):
        run_host_command(
            argv,
            place=place,
            count=len(app.strategy(strategy).host_commands),
            folder=app.folder,
            environment=host_environment(cache) | FOR_AN_IMAGE,
            command=CancellableCommand(),
            on_line=lambda _line: None,
        )


def _build_edited(builder: Builder, app: App, strategy: str, options: BuildOptions) -> Build:
    app.reset()
    if options.edit != COLD:
        _settle_host(app, strategy, options.isolation)
        app.edit(options.edit)
    # A name of the user's would move from one measured image to the next, and most of them have a mark in their base.
    of_strategy = app.strategy(strategy)
    untagged = replace(of_strategy, options=replace(of_strategy.options, tags=()))
    running = start_on_builder(builder, app, untagged, replace(options, options=replace(options.options, tags=())))
    try:
        return running.wait()
    except KeyboardInterrupt:
        running.stop()
        raise
    finally:
        app.reset()
