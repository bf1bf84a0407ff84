"""Replays the history of a project: the verdicts and the seconds of each commit, and the instructions that they come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace as replaced
from pathlib import Path

from speedkit.builds import effective_build_args
from speedkit.engine import NO_OPTIONS, CommandOptions, checked_options
from speedkit.git_history import Repository, open_repository
from speedkit.projects import Project, Way, open_project

from .blame import blame_of
from .commit_seconds import with_seconds
from .history_verdicts import BuildInputs, history_verdicts
from .measuring import measured_seconds, recorded_seconds
from .result import Replay
from .splits import splits_of

__all__ = ["replay"]

_OF_A_COMMIT = re.compile(
    r"github\.(?:sha|run_id|run_number|event\.head_commit)|git[ _-](?:rev-parse|describe|log)|\$\(date\b|"
    r"\b(?:CI_COMMIT_\w+|GITHUB_SHA|BUILD_(?:DATE|TIME|NUMBER)|GIT_(?:COMMIT|SHA)|COMMIT(?:_SHA)?)\b",
    re.IGNORECASE,
)
"""Values in workflows, Makefiles and scripts that stand for the commit or the time of a build."""


def replay(
    project: Project | Path | str,
    *,
    way: Way | str | None = None,
    commits: int | None = 200,
    since: str | None = None,
    measure: int = 0,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    options: CommandOptions = NO_OPTIONS,
    dockerfile: str | None = None,
    ignore_file: str | None = None,
    builder: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Replay:
    """The cost of the last commits of a project, on a builder that builds each of them after the one before.

    project: as `sk.project` gives it, or a folder in a git repository. way: a way to build it, or its name; None is the
    project's default one. Its options apply to the whole history; only the files come from each commit.
    commits: the most commits to replay; None for all. since: a date, as `git log --since` takes it.
    measure: the number of commits to build for real, each after the one before it, to learn how long the steps take. With 0,
    seconds come from such builds of earlier calls, and are None when there are none.
    target, build_args, options: they win over those of the way.
    dockerfile, ignore_file: a text for every commit, in place of its own. It answers "how much would this change have saved?",
    when compared with a replay of the newest commit's text: then both replays have one Dockerfile for the whole history. A
    commit without a file that the text copies cannot be built, and adds nothing to the cost.
    say: a function that gets a sentence about each real build.
    Raises: NotARepository, ObjectsMissing, GitError; with `measure` also what a build raises.
    """
    folder = project.folder if isinstance(project, Project) else Path(project)
    repository = open_repository(folder)
    replayed_way = _way(project, way, repository).built_with(target=target, build_args=build_args, options=options)

    # Build args that a workflow or a script sets to another value for each commit, such as its id, change every build.
    unset = {name: replayed_way.not_resolved[f"build-arg {name}"] for name in replayed_way.unknown_build_args}
    varying = (name for name, value in unset.items() if name not in replayed_way.build_args and _OF_A_COMMIT.search(value))
    inputs = BuildInputs(
        context=repository.path(replayed_way.context),
        dockerfile=repository.path(replayed_way.file),
        target=replayed_way.target,
        build_args=effective_build_args(replayed_way.build_args),
        options=checked_options(replayed_way.options, folder).of_runs,
        varying_args=frozenset(varying),
        dockerfile_text=dockerfile if dockerfile is not None else replayed_way.dockerfile_text,
        ignore_text=ignore_file,
    )
    if replayed_way.platforms:
        inputs = replaced(inputs, platform=replayed_way.platforms[0])
    history = repository.commits(commits, since=since)
    start, verdicts = history_verdicts(repository, history, inputs)
    problem = ""
    if measure > 0:
        model, problem = measured_seconds(
            repository, replayed_way, inputs, verdicts, measure, builder=builder, say=say or _silent
        )
    else:
        model = recorded_seconds(repository, replayed_way, inputs)
    # A text of the caller's gets no splits: they would be patches of a file that the project does not have.
    timed = with_seconds(start, verdicts, model)
    head = repository.files(repository.head)
    return Replay(
        name=folder.resolve().name,
        way=replayed_way,
        inputs=inputs,
        dockerfile_path=inputs.dockerfile,
        commits=timed,
        asked_for=commits if since is None else None,
        shallow=history.shallow,
        model=model,
        problem=problem,
        blame=blame_of(timed, timed=model is not None),
        splits=splits_of(head, history, inputs, timed, model) if dockerfile is None else (),
        submodules=len(head.submodules),
        has_lfs_files=head.has_lfs_files,
    )


def _way(project: Project | Path | str, way: Way | str | None, repository: Repository) -> Way:
    if isinstance(way, Way):
        return way
    if repository.is_bare:
        # A bare repository has no working files, so no file describes a way. Its commits may still have a Dockerfile.
        return Way("Dockerfile", "dockerfile", "Dockerfile", ".", "Dockerfile")
    opened = project if isinstance(project, Project) else open_project(project)
    return opened.here(opened.buildable(way))


def _silent(_: str) -> None: ...
