"""The report of a project: what its builds cost, why, its stages and layers, and what to change, in one HTML file to send.

Each part is made on its own. Where one cannot be made (no history, no engine, no image), the report says so and has the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from speedkit.builds import Watch, quiet_or_notebook
from speedkit.builds import build as build_once
from speedkit.engine import NO_OPTIONS, CommandOptions, layers_of
from speedkit.errors import NotARepository, SpeedkitError
from speedkit.git_history import Repository, open_repository
from speedkit.history import Reasons, explain, recordings
from speedkit.images import Image
from speedkit.messages import message
from speedkit.model import Build
from speedkit.projects import Project, Way, open_project
from speedkit.proof import Advice, advise
from speedkit.recordings import Recording, read_build
from speedkit.rendering import html_text
from speedkit.replays import Replay, replay

from .page_file import check_page_file, write_page
from .report_commands import ReportCommands

__all__ = ["ProjectReport", "report"]

_LAST_BUILDS = 20
"""How many of the last recorded builds are asked for an image that is still there."""
_Made = TypeVar("_Made")


@dataclass(frozen=True, eq=False, repr=False)
class ProjectReport:
    """What a report shows.

    name: of the project. commit: the id of the newest one; "" without a history. replay, advice, reasons, image: None where
    they could not be made, and then `missing` has the reason, by the name of the field. reasons: of the last recorded build, of
    which `image` is, too. path: the file. problems: what was asked for and failed, as sentences.
    """

    name: str
    way: Way | None
    commit: str
    made_at: datetime
    commands: ReportCommands
    replay: Replay | None = None
    advice: Advice | None = None
    reasons: Reasons | None = None
    image: Image | None = None
    image_build: Build | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    path: Path | None = None

    def __repr__(self) -> str:
        return f"ProjectReport({self.name!r}, path={str(self.path)!r})"

    def _repr_html_(self) -> str:
        return f"<p>{html_text(self.summary)}</p>"

    @property
    def summary(self) -> str:
        """Where the report is, as a sentence."""
        return message("The report of {name} is in {path}.", name=self.name, path=self.path)


def report(
    project: Project | Path | str,
    out: Path | str = "speedkit-report.html",
    *,
    way: str | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    options: CommandOptions = NO_OPTIONS,
    commits: int = 200,
    since: str | None = None,
    measure: int = 0,
    build: bool = False,
    prove: bool = False,
    proved_commits: int = 5,
    smoke: str | None = None,
    force: bool = False,
    say: Callable[[str], None] | None = None,
    watch: Callable[[int], Watch] = quiet_or_notebook,
) -> ProjectReport:
    """Write a report of a project: one HTML file that needs no network.

    project: as `sk.project` gives it, or its folder; a bare repository has a history, and nothing else to show. out: the file.
    way, target, build_args, options, commits, since, measure: as in `sk.replay`. build: build the project now, for the stages
    and layers of its image; otherwise those of the last recorded build are shown.
    prove, smoke: as in `sk.advise`. proved_commits: how many commits a proof builds. force: replace a file that is no report.
    say: gets a sentence about each real build.
    Raises: FileRefused for a file that may not be written, NotAFolder, NoDockerfile, UnknownWay, Misuse; what the replay raises
    where no part can be made.
    """
    path = Path(out)
    check_page_file(path, force=force)
    commands = ReportCommands(
        way, target, dict(build_args or {}), options, commits, since, measure, prove, proved_commits, smoke, build
    )
    making = _Making(project, commands, say or _silent, watch)
    made = making.made(path)
    from .project_page import report_html

    write_page(path, report_html(made))
    return made


def _silent(_: str) -> None: ...


class _Making:
    """Makes the parts of a report, one after the other."""

    def __init__(
        self, project: Project | Path | str, commands: ReportCommands, say: Callable[[str], None], watch: Callable[[int], Watch]
    ) -> None:
        self._commands = commands
        self._say, self._watch = say, watch
        self._missing: dict[str, str] = {}
        self._problems: list[str] = []
        self._first_error: SpeedkitError | None = None
        self._project = project if isinstance(project, Project) else open_project(project)
        self._repository = self._open_repository()
        self._is_bare = self._repository is not None and self._repository.is_bare
        # Of a bare repository, the replay knows the way: the Dockerfile of each commit.
        self._way = None if self._is_bare else self._project.here(self._project.buildable(commands.way))

    def made(self, path: Path) -> ProjectReport:
        """The report. Raises: the error of the replay where there is nothing to show."""
        if self._commands.build:
            self._build()
        # A proof's builds tell the replay how long steps take, unless it makes builds of its own.
        if self._commands.measure:
            replayed, advice = self._replay(), self._advise()
        else:
            advice, replayed = self._advise(), self._replay()
        built = self._last_build()
        image, image_build = self._image(built)
        reasons = None if built is None else self._or_reason("reasons", lambda: explain(built.id))
        # An empty page would hide that nothing could be read.
        if self._first_error is not None and not any((replayed, advice, reasons)):
            raise self._first_error
        return ProjectReport(
            name=self._project.folder.name,
            way=self._way,
            commit=self._repository.head if self._repository is not None else "",
            made_at=datetime.now(UTC),
            commands=self._commands,
            replay=replayed,
            advice=advice,
            reasons=reasons,
            image=image,
            image_build=image_build,
            missing=self._missing,
            problems=tuple(self._problems),
            path=path,
        )

    def _open_repository(self) -> Repository | None:
        try:
            return open_repository(self._project.folder)
        except NotARepository:
            # In words of its own: those of the error are for somebody who asked for a history, and name a path of this machine.
            self._missing["replay"] = message(
                "There is no history to replay: the folder is in no git repository, or git does not open it, or it has no "
                "commit yet."
            )
        except SpeedkitError as problem:
            self._missing["replay"] = problem.what
        return None

    def _or_reason(self, part: str, make: Callable[[], _Made], *, asked_for: bool = False) -> _Made | None:
        """What `make` gives; None where it cannot, with the reason in `missing`. asked_for: then it is a problem as well."""
        try:
            return make()
        except SpeedkitError as problem:
            self._missing[part] = problem.what
            self._first_error = self._first_error or problem
            if asked_for:
                self._problems.append(str(problem))
            return None

    def _build(self) -> None:
        way = self._way
        if way is None:
            return
        self._say(message("building {name}", name=self._project.folder.name))
        built = self._or_reason(
            "image",
            lambda: build_once(
                self._project.app(way, named_contexts=self._commands.options.named_contexts),
                target=self._commands.target,
                build_args=dict(self._commands.build_args),
                options=self._commands.options,
            ),
            asked_for=True,
        )
        if built is not None and not built.ok:
            self._problems.append(message("The build failed: {error}", error=built.error or ""))

    def _replay(self) -> Replay | None:
        if self._repository is None:
            return None
        commands = self._commands
        replayed = self._or_reason(
            "replay",
            lambda: replay(
                self._project,
                way=commands.way,
                commits=commands.commits,
                since=commands.since,
                measure=commands.measure,
                target=commands.target,
                build_args=commands.build_args,
                options=commands.options,
                say=self._say,
            ),
            asked_for=commands.measure > 0,
        )
        if replayed is not None and replayed.problem and commands.measure:
            self._problems.append(replayed.problem)
        return replayed

    def _advise(self) -> Advice | None:
        if self._is_bare:
            self._missing["advice"] = message("A bare repository has no files to give advice about; clone it.")
            return None
        commands = self._commands
        proven = None
        if commands.prove:
            proven = self._or_reason("proof", lambda: self._advice(prove=True), asked_for=True)
        # What was not proven is shown as it is predicted.
        return proven or self._or_reason("advice", lambda: self._advice(prove=False))

    def _advice(self, *, prove: bool) -> Advice:
        commands = self._commands
        return advise(
            self._project,
            prove=prove,
            commits=commands.proved_commits,
            smoke=commands.smoke if prove else None,
            way=commands.way,
            target=commands.target,
            build_args=commands.build_args,
            options=commands.options,
            watch=self._watch,
        )

    @cached_property
    def _recordings(self) -> list[Recording]:
        """The last good builds of the project by its way, the newest first."""
        way = self._way
        if way is None:
            return []
        folder = self._project.folder
        # `speedkit build` records the build context, a replay or a proof the folder of the repository.
        sources = {str(one.resolve()) for one in (folder, folder / way.context)}
        if self._repository is not None:
            sources.add(str(self._repository.folder.resolve()))
        own = [
            one
            for one in recordings()
            if one.meta.source in sources and one.meta.strategy == way.name and one.meta.outcome == "done"
        ]
        return own[: -_LAST_BUILDS - 1 : -1]

    def _last_build(self) -> Build | None:
        for recording in self._recordings:
            with suppress(SpeedkitError):  # a damaged recording
                return read_build(recording)
        self._missing["reasons"] = message("No build of this project is recorded.")
        return None

    def _image(self, newest: Build | None) -> tuple[Image | None, Build | None]:
        """The layers of the newest build whose image is still there."""
        if newest is None:
            self._missing.setdefault(
                "image", message("No build of this project is recorded, so there is no image to look into.")
            )
            return None, None
        # Replays and proofs remove their images, so the newest build need not have one.
        for recording in self._recordings:
            with suppress(SpeedkitError):
                built = read_build(recording)
                if built.image is not None:
                    return layers_of(built), built
        self._missing.setdefault("image", message("The images of its recorded builds are gone, or no engine answers."))
        return None, None
