"""The target of a proof: one way to build a project, its history where it has one, and its uncommitted changes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from speedkit.apps import Probe, app_in_place, language_of
from speedkit.engine import NO_OPTIONS, CommandOptions
from speedkit.errors import GitError, Misuse, NoDockerfile, NotARepository, SpeedkitError
from speedkit.git_history import Repository, open_repository
from speedkit.messages import join_names, message, plural
from speedkit.projects import Project, Way, open_project

from .commit_states import CommitStates
from .edited_states import EditedStates
from .file_change import FileChange
from .project_states import ProjectStates, file_or_none

__all__ = ["ProofProject", "proof_project"]


@dataclass(frozen=True)
class ProofProject:
    """One way to build the project in a folder.

    repository: None for a project that is in none. why_no_history: in words, where there is no repository.
    """

    folder: Path
    way: Way
    repository: Repository | None
    why_no_history: str = ""
    probe: Probe | None = None

    @property
    def name(self) -> str:
        return self.folder.name or "project"

    @property
    def dockerfile(self) -> bytes:
        """The Dockerfile in the folder. Raises: NoDockerfile."""
        content = file_or_none(self.folder / self.way.file)
        if content is None:
            raise NoDockerfile(
                self.folder / self.way.file, fix=message("Name another way with --way: `speedkit project` lists them all.")
            )
        return content

    @cached_property
    def ignore_file(self) -> str:
        """The path of the ignore file that BuildKit reads; where there is none, the path of a new one."""
        own = f"{self.way.file}.dockerignore"
        if (self.folder / own).is_file():
            return own
        context = PurePosixPath(self.way.context)
        return (context / ".dockerignore").as_posix()

    @property
    def ignore_text(self) -> bytes | None:
        return file_or_none(self.folder / self.ignore_file)

    @cached_property
    def unsaved(self) -> tuple[FileChange, ...]:
        """The changes of the Dockerfile and the ignore file that are not in the last commit."""
        if self.repository is None:
            return ()
        files = self.repository.files(self.repository.head)
        changes = []
        for path in (self.way.file, self.ignore_file):
            committed = files.dockerfile(self.repository.path(path))
            before = None if committed is None else committed.encode("utf-8", "surrogateescape")
            after = file_or_none(self.folder / path)
            if before != after:
                changes.append(FileChange(path, before, after))
        return tuple(changes)

    def states(self, commits: int) -> ProjectStates:
        """The states to build: the last commits that changed the build, or edits where there are none."""
        if self.repository is not None:
            history = CommitStates(self.repository, self.way, commits)
            if history.states:
                return history
        return EditedStates(self.folder, self.way, count=commits)

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices for a reader of advice, as sentences."""
        sentences = []
        if self.unsaved:
            sentences.append(
                message(
                    "{names} has changes that are not committed. Advice and patch are about the file as it is in the folder; "
                    "each commit is built with these changes too.",
                    names=join_names([change.path for change in self.unsaved]),
                )
            )
        if self.why_no_history:
            sentences.append(self.why_no_history)
        return tuple(sentences)

    def notices_of_proof(self, states: ProjectStates) -> tuple[str, ...]:
        """The notices for a reader of a proof: those for a reader of advice, and how the states were picked."""
        sentences = list(self.notices)
        if not states.has_history:
            sentences.append(
                message(
                    "There is no history to build: the proof uses edits that speedkit makes in a copy, an empty line at the "
                    "end of a source file."
                )
            )
        elif isinstance(states, CommitStates) and states.skipped:
            sentences.append(
                plural(
                    "{count:,} commit between them changes nothing in the build context, and is left out.",
                    "{count:,} commits between them change nothing in the build context, and are left out.",
                    states.skipped,
                )
            )
        return tuple(sentences)


def proof_project(
    project: Project | Path | str,
    way: str | None = None,
    *,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    options: CommandOptions = NO_OPTIONS,
) -> ProofProject:
    """The target of a proof. way: its name; None for the default way.

    target, build_args, options: they come before those of the way. Raises: NotAFolder, NoDockerfile, and Misuse for an unknown
    way.
    """
    opened = project if isinstance(project, Project) else open_project(project)
    folder, way_here = opened.folder, opened.here(opened.buildable(way))
    if way_here.dockerfile_text is not None:
        raise Misuse(
            message("The Dockerfile of {way} stands in {file} itself.", way=way_here.name, file=way_here.found_in),
            fix=message("Put it into a file of its own, and name that file there."),
        )
    way_here = way_here.built_with(target=target, build_args=build_args, options=options)
    repository, why = None, ""
    try:
        repository = open_repository(folder)
    except NotARepository as problem:
        why = problem.what
    except GitError as problem:
        why = message("The history cannot be read: {problem}", problem=problem.what)
    result = ProofProject(folder, way_here, repository, why, _probe_of(folder / way_here.context))
    # A missing Dockerfile is an error here, and not only after the first builds.
    _ = result.dockerfile
    return result


def _probe_of(context: Path) -> Probe | None:
    """How to ask an image of a sample app; None for any other project."""
    with contextlib.suppress(SpeedkitError):
        if language_of(context.resolve()) is not None:
            return app_in_place(context).probe
    return None
