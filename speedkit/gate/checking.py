"""The check of a project against its `speedkit.toml`, from files and forecasts, recordings, or real builds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from speedkit.apps import App
from speedkit.builds import Watch, quiet_or_notebook
from speedkit.cache import Forecast
from speedkit.engine import NO_OPTIONS, CommandOptions, layers_of
from speedkit.errors import LimitsFileError, Misuse, SpeedkitError
from speedkit.git_history import repository_folder
from speedkit.history import AssumedBuild
from speedkit.messages import listed, message, plural, sentences
from speedkit.model import Build
from speedkit.projects import Project, Way, open_project
from speedkit.recordings import Redaction, redaction_of
from speedkit.rendering import Reason, command_text
from speedkit.words import bytes_text, last_error_line, seconds_text

from .limits_file import FILE_NAME, Claim, LimitsFile, RebuildBudget, read_limits_file
from .outcome import CheckEntry, CheckKind, CheckOutcome, Evidence, StepThatRuns
from .real_builds import RealBuilds, real_builds
from .steps import claimed_lines, reasons_of, shortened, steps_that_run
from .watched_files import FilesChange, WatchedFiles

__all__ = ["check"]

LARGEST_NAMED = 3
_BUILT: Evidence = "build"
_RECORDED: Evidence = "recording"


def check(
    project: Project | Path | str = ".",
    *,
    way: str | None = None,
    dockerfile: Path | str | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    options: CommandOptions = NO_OPTIONS,
    build: bool = False,
    forecast_only: bool = False,
    watch: Callable[[int], Watch] = quiet_or_notebook,
) -> CheckOutcome:
    """Whether a project keeps the budgets and claims in its `speedkit.toml`.

    project: as `sk.project` gives it, or its folder. way, dockerfile, target, build_args, options: before those of the file;
    `dockerfile` is a path in the project. build: build an isolated copy for real, and once more for each change of files.
    forecast_only: budgets that need a build are left out on purpose. Otherwise they count as not kept when no recorded build
    of exactly these files answers them.
    Raises: NotAFolder, NoLimitsFile, LimitsFileError, FileRefused, UnknownWay, NoDockerfile, DockerfileError, Misuse; with
    `build` also NotProven and EngineError.
    """
    opened = project if isinstance(project, Project) else open_project(project)
    limits = read_limits_file(opened.folder)
    named_way = _way(opened, limits, way, None if dockerfile is None else _in_project(opened.folder, dockerfile))
    built = named_way.built_with(
        target=target or limits.target, build_args={**limits.build_args, **(build_args or {})}, options=options
    )
    redaction = redaction_of(built.build_args, os.environ, opened.dockerfile_text(built) or "")
    run = _Check(opened, _without_secrets(limits, redaction), built)
    # Also before real builds: a mistake in the file should be an error now, and not after an hour.
    entries = tuple(run.entries())
    if build:
        buildable = opened.here(opened.buildable(built, built.options.named_contexts))
        with real_builds(opened, buildable, run.assumed.context, watch, run.expected_builds) as builds:
            entries = tuple(replace(run, builds=builds).entries())
    return CheckOutcome(
        opened.folder.name or FILE_NAME,
        entries,
        forecast_only=forecast_only,
        notices=opened.departures(opened.without_secrets(built)),
    )


def _without_secrets(limits: LimitsFile, redaction: Redaction) -> LimitsFile:
    """The file with substitutes in its names: they are shown, and compared with instructions that have the same substitutes."""
    text = redaction.text
    claims = (
        replace(
            one,
            name=text(one.name),
            stays_cached=tuple(text(named) if isinstance(named, str) else named for named in one.stays_cached),
        )
        for one in limits.claims
    )
    rebuilds = (replace(one, name=text(one.name)) for one in limits.rebuilds)
    return replace(limits, claims=tuple(claims), rebuilds=tuple(rebuilds))


def _way(project: Project, limits: LimitsFile, way: str | None, dockerfile: str | None) -> Way:
    if way is not None and dockerfile is not None:
        raise Misuse(message("There is both a way and a Dockerfile."), fix=message("Name one of them."))
    if way is None and dockerfile is None:
        way, dockerfile = limits.way, limits.dockerfile
    if dockerfile is None:
        return project.buildable(way)
    # As with `-f` of the other verbs, the folder itself is the build context.
    return Way(dockerfile, "dockerfile", dockerfile, ".", dockerfile)


def _in_project(folder: Path, dockerfile: Path | str) -> str:
    """A Dockerfile's path in the project. As for `docker build -f`, a relative one begins in the current folder."""
    for place in (Path(dockerfile).absolute(), folder / dockerfile):
        path = Path(os.path.normpath(place))
        if path.is_relative_to(folder) and path.is_file():
            return path.relative_to(folder).as_posix()
    raise Misuse(
        message("{dockerfile} is no file in {folder}.", dockerfile=dockerfile, folder=folder),
        fix=message("Name a Dockerfile below the folder of {name}.", name=FILE_NAME),
    )


@dataclass(frozen=True, eq=False)
class _Check:
    project: Project
    limits: LimitsFile
    way: Way
    builds: RealBuilds | None = None

    @property
    def expected_builds(self) -> int:
        """How many real builds a check makes, at most. Raises: LimitsFileError."""
        watched: tuple[Claim | RebuildBudget, ...] = (*self.limits.rebuilds, *self.limits.claims)
        return 2 * max(1, len({self._change(one).sent for one in watched}))

    def entries(self) -> Iterator[CheckEntry]:
        limits = self.limits
        if limits.context_size is not None:
            yield self._context_entry(limits.context_size)
        if limits.image_size is not None:
            yield self._image_size_entry(limits.image_size)
        if limits.wasted is not None:
            yield self._wasted_entry(limits.wasted)
        if limits.cold is not None:
            yield self._cold_entry(limits.cold)
        for rebuild in limits.rebuilds:
            if rebuild.steps is not None:
                yield self._rebuild_steps_entry(rebuild, rebuild.steps)
            if rebuild.seconds is not None:
                yield self._rebuild_seconds_entry(rebuild, rebuild.seconds)
        for claim in limits.claims:
            yield self._claim_entry(claim)

    @cached_property
    def app(self) -> App:
        return self.project.app(self.way)

    @cached_property
    def assumed(self) -> AssumedBuild:
        return AssumedBuild(self.app, sources=[self.project.folder])

    @cached_property
    def unchanged(self) -> Forecast:
        return self.assumed.forecast()

    # Files, forecast and recordings are read when an entry needs them: a budget for the context alone needs no forecast.
    @cached_property
    def files(self) -> WatchedFiles:
        folders, manifests = self.app.strategy().options.folders, self.assumed.named_contexts
        named = {name: (folders[name], manifest) for name, manifest in manifests.items()}
        return WatchedFiles(self.project.folder, self.way.context, self.assumed.context, named)

    def _change(self, watched: Claim | RebuildBudget) -> FilesChange:
        """The change of the files that a budget or claim names. Raises: LimitsFileError."""
        paths: set[str] = set()
        for glob in watched.when:
            matching = set(self.files.matching(glob))
            # Not "nothing runs": the files may have moved, and the claim would guard nothing from then on.
            if not matching:
                folder = self.files.near(glob)
                raise self._about_nothing(
                    watched,
                    message("no file matches {glob}", glob=glob.text),
                    message("{folder} is a folder: write {folder}/**.", folder=folder.rstrip("/"))
                    if folder
                    else message("A glob begins in the folder of {name}; **/*.go matches in all folders.", name=FILE_NAME),
                )
            if matching <= self._recipes:
                raise self._about_nothing(
                    watched,
                    message("{glob} only matches what says how to build, and a change of it may run any step", glob=glob.text),
                    message("Name files that steps read."),
                )
            paths |= matching
        return self.files.change(paths)

    def _about_nothing(self, watched: Claim | RebuildBudget, problem: str, fix: str) -> LimitsFileError:
        return LimitsFileError(
            message(
                "{path}, line {line}, {name!r}: {problem}.",
                path=self.limits.path,
                line=watched.line,
                name=watched.name,
                problem=problem,
            ),
            fix=fix,
        )

    @cached_property
    def _recipes(self) -> set[str]:
        """The files that say how to build, as paths in the project."""
        dockerfile = self.way.file if self.way.dockerfile_text is None else self.way.found_in
        ignore_files = (f"{self.way.context}/.dockerignore", f"{dockerfile}.dockerignore")
        names = (FILE_NAME, dockerfile, self.way.found_in, *self.way.also_found_in, *ignore_files)
        return {os.path.normpath(name).replace(os.sep, "/") for name in names}

    def _reasons(self, change: FilesChange) -> tuple[Reason, ...]:
        """Why each step runs or stays cached after a change: as built, or as forecast."""
        if self.builds is not None:
            return self.builds.after_change(change.sent).reasons
        return reasons_of(self.assumed.forecast(change.sent, change.named))

    def _steps_that_run(self, change: FilesChange, lines: Iterable[int] | None = None) -> tuple[StepThatRuns, ...]:
        return steps_that_run(self._reasons(change), lambda path: self.files.in_project(path, change), lines)

    def _claim_entry(self, claim: Claim) -> CheckEntry:
        lines, change = claimed_lines(claim, self.unchanged, self.limits.path), self._change(claim)
        if self._cannot_build(change):
            return self._unchecked("claim", claim.name, 0, claim.line, _copied_in_words(change))
        steps = self._steps_that_run(change, lines)
        because = _steps_in_words(steps) or _stays_in_words(change)
        return self._entry("claim", claim.name, len(steps), 0, because, self._evidence, claim.line, steps)

    def _rebuild_steps_entry(self, rebuild: RebuildBudget, allowed: int) -> CheckEntry:
        change = self._change(rebuild)
        if self._cannot_build(change):
            return self._unchecked("rebuild_steps", rebuild.name, allowed, rebuild.line, _copied_in_words(change))
        steps = self._steps_that_run(change)
        because = _first_step_in_words(steps) or _stays_in_words(change)
        return self._entry("rebuild_steps", rebuild.name, len(steps), allowed, because, self._evidence, rebuild.line, steps)

    def _rebuild_seconds_entry(self, rebuild: RebuildBudget, allowed: float) -> CheckEntry:
        change = self._change(rebuild)
        if self._cannot_build(change):
            return self._unchecked("rebuild_seconds", rebuild.name, allowed, rebuild.line, _copied_in_words(change))
        if self.builds is not None:
            built, evidence = self.builds.after_change(change.sent), _BUILT
            if built.build.outcome != "done":
                because = message("Not checked: the build after the change fails. {error}", error=last_error_line(built.build))
                return self._unchecked("rebuild_seconds", rebuild.name, allowed, rebuild.line, because)
            build = built.build
        else:
            recorded = self.assumed.recorded_after_change(change.sent)
            if not recorded:
                return self._unchecked("rebuild_seconds", rebuild.name, allowed, rebuild.line)
            build, evidence = recorded[-1], _RECORDED
        steps = self._steps_that_run(change)
        because = f"{_made_in_words(build, evidence)} {_first_step_in_words(steps)}".strip()
        return self._entry("rebuild_seconds", rebuild.name, build.seconds, allowed, because, evidence, rebuild.line, steps)

    def _cannot_build(self, change: FilesChange) -> bool:
        """Whether a real build would not have the change: only the main build context is copied and edited."""
        return self.builds is not None and bool(change.named)

    @property
    def _evidence(self) -> Evidence:
        return "forecast" if self.builds is None else _BUILT

    def _as_it_is(self) -> tuple[Build | None, Evidence]:
        """The newest build of exactly the files that are there now."""
        if self.builds is not None:
            return self.builds.cold, _BUILT
        return next(iter(reversed(self.assumed.recorded())), None), _RECORDED

    def _image_size_entry(self, allowed: int) -> CheckEntry:
        build, evidence = self._as_it_is()
        line = self.limits.lines["image_size"]
        if build is None or build.image_bytes is None:
            return self._unchecked("image_size", "image_size", allowed, line)
        largest = max(build.layers, key=lambda layer: layer.size_bytes, default=None)
        because = _made_in_words(build, evidence)
        if largest is not None:
            because += " " + message(
                "The largest layer has {size}: {command}",
                size=bytes_text(largest.size_bytes),
                command=shortened(command_text(largest.command)),
            )
        return self._entry("image_size", "image_size", build.image_bytes, allowed, because, evidence, line)

    def _wasted_entry(self, allowed: int) -> CheckEntry:
        build, evidence = self._as_it_is()
        line = self.limits.lines["wasted"]
        image = None
        if build is not None:
            # A recorded build has no files of its image; an engine may have the image still.
            with suppress(SpeedkitError) if self.builds is None else nullcontext():
                image = layers_of(build)
        if build is None or image is None:
            return self._unchecked("wasted", "wasted", allowed, line)
        most = listed(f"{one.path} ({bytes_text(one.size_bytes)})" for one in image.waste[:LARGEST_NAMED])
        because = _made_in_words(build, evidence)
        if most:
            because += " " + message("Wasted most: {names}.", names=most)
        return self._entry("wasted", "wasted", image.wasted_bytes, allowed, because, evidence, line)

    def _cold_entry(self, allowed: float) -> CheckEntry:
        line = self.limits.lines["cold"]
        build, evidence = self._as_it_is()
        # A recorded build of these files may have found some of its steps in the cache.
        if self.builds is None:
            build = next((one for one in reversed(self.assumed.recorded()) if _is_cold(one)), None)
        if build is None:
            return self._unchecked("cold", "cold", allowed, line)
        slowest = max(build.instructions, key=lambda step: step.seconds, default=None)
        because = _made_in_words(build, evidence)
        if slowest is not None:
            because += " " + message(
                "The slowest step takes {seconds}: line {line}, {instruction}",
                seconds=seconds_text(slowest.seconds),
                line=slowest.line,
                instruction=shortened(slowest.instruction),
            )
        return self._entry("cold", "cold", build.seconds, allowed, because, evidence, line)

    def _context_entry(self, allowed: int) -> CheckEntry:
        context = self.assumed.context
        largest = sorted(context.entries, key=lambda entry: (-entry.size_bytes, entry.path))[:LARGEST_NAMED]
        names = listed(
            f"{self.files.in_project(entry.path)} ({bytes_text(entry.size_bytes)})" for entry in largest if entry.size_bytes
        )
        because = message("The largest files: {names}.", names=names) if names else message("No file has any content.")
        return self._entry(
            "context_size",
            "context_size",
            context.size_bytes,
            allowed,
            because,
            "files",
            self.limits.lines["context_size"],
        )

    def _unchecked(self, kind: CheckKind, name: str, allowed: float, line: int, because: str = "") -> CheckEntry:
        # Never "ok": nobody would notice that a budget is not watched.
        because = because or message("Not checked: it needs a build, and none of exactly these files is recorded. Add --build.")
        return CheckEntry(kind, name, None, None, allowed, because, "none", self._place(self.limits.path), line)

    def _entry(
        self,
        kind: CheckKind,
        name: str,
        amount: float,
        allowed: float,
        because: str,
        evidence: Evidence,
        line: int,
        steps: tuple[StepThatRuns, ...] = (),
    ) -> CheckEntry:
        ok = amount <= allowed
        place = self.limits.path
        # The place to look at is the first step that runs and should not, in a Dockerfile that is a file of its own.
        if not ok and steps and self.way.dockerfile_text is None:
            place, line = self.project.folder / self.way.file, steps[0].line
        return CheckEntry(kind, name, ok, amount, allowed, because, evidence, self._place(place), line, steps)

    def _place(self, path: Path) -> str:
        """A path in the repository, as services for repositories name it."""
        # GitHub finds a file by its path in the repository, and a project may be a folder of it.
        root = repository_folder(self.project.folder) or self.project.folder
        normal = Path(os.path.normpath(path))
        return normal.relative_to(root).as_posix() if normal.is_relative_to(root) else normal.as_posix()


def _steps_in_words(steps: tuple[StepThatRuns, ...]) -> str:
    return sentences(
        message(
            "Line {line}, {instruction}: {because}",
            line=step.line,
            instruction=shortened(step.instruction),
            because=step.because,
        )
        for step in steps
    )


def _first_step_in_words(steps: tuple[StepThatRuns, ...]) -> str:
    if not steps:
        return ""
    first = steps[0]
    return message(
        "The first is line {line}, {instruction}: {because}",
        line=first.line,
        instruction=shortened(first.instruction),
        because=first.because,
    )


def _made_in_words(build: Build, evidence: Evidence) -> str:
    """Where a figure of a build is from."""
    made = message("Built once.") if evidence == _BUILT else message("From the build recorded as {id}.", id=build.id)
    return f"{made} {message('With a {stand_in}.', stand_in=build.stand_ins)}" if build.stand_ins else made


def _is_cold(build: Build) -> bool:
    """Whether nothing of a build was cached but its base images."""
    return build.isolated and not any(step.cached and not step.instruction.startswith("FROM ") for step in build.instructions)


def _stays_in_words(change: FilesChange) -> str:
    if not change.sent and not change.named:
        return plural(
            "The build context does not have the {count:,} file that matches.",
            "The build context has none of the {count:,} files that match.",
            change.count,
        )
    return plural(
        "With {count:,} changed file, all of it stays cached.",
        "With {count:,} changed files, all of it stays cached.",
        len(change.sent) + sum(map(len, change.named.values())),
    )


def _copied_in_words(change: FilesChange) -> str:
    return message(
        "Not checked: files of the named build context {name} match, and --build changes files of the main one only. Without "
        "--build, the forecast answers.",
        name=", ".join(change.named),
    )
