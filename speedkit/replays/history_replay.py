"""Replays the history of a project: the verdicts and the seconds of each commit, and what they go back to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replaced
from pathlib import Path

from speedkit.builds import effective_build_args
from speedkit.git_history import open_repository
from speedkit.projects import Way

from .blame import blame_of
from .history_verdicts import BuildInputs, history_verdicts
from .measuring import measured_seconds, recorded_seconds
from .result import Replay
from .splits import splits_of
from .timing import with_seconds

__all__ = ["replay"]


def replay(
    project: Path | str,
    *,
    way: Way | None = None,
    commits: int | None = 200,
    since: str | None = None,
    measure: int = 0,
    dockerfile: str | None = None,
    ignore_file: str | None = None,
    builder: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Replay:
    """What the last commits of a project would have cost, on a builder that builds each of them after the one before.

    project: a folder in a git repository; nothing in it is built, and its files are not read: the history is.
    commits: at most so many; with `since`, as `git log --since` takes it, at most so many since then. None for all.
    measure: so many commits are really built, each after the one before it, to learn how long the steps take. With 0, seconds
    come from such builds of earlier calls, and are None without any.
    dockerfile, ignore_file: a text in place of that of every commit, for "what would this change have saved": compare with a
    replay that has the text of the newest commit in place, so that both have one Dockerfile all through the history. A commit
    that lacks a file which the text copies cannot be built, and counts nothing.
    say: gets a sentence about each real build.
    Raises: NotARepository, ObjectsMissing, GitError; with `measure` also what a build raises.
    """
    folder = Path(project)
    repository = open_repository(folder)
    chosen_way = way or Way("Dockerfile", "dockerfile", "Dockerfile", ".", "Dockerfile")
    inputs = BuildInputs(
        context=repository.path(chosen_way.context),
        dockerfile=repository.path(chosen_way.file),
        target=chosen_way.target,
        build_args=effective_build_args(chosen_way.build_args),
        dockerfile_text=dockerfile,
        ignore_text=ignore_file,
    )
    if chosen_way.platforms:
        inputs = replaced(inputs, platform=chosen_way.platforms[0])
    history = repository.commits(commits, since=since)
    start, verdicts = history_verdicts(repository, history, inputs)
    problem = ""
    if measure > 0:
        model, problem = measured_seconds(
            repository, chosen_way, inputs, verdicts, measure, builder=builder, say=say or _silent
        )
    else:
        model = recorded_seconds(repository, chosen_way, inputs)
    timed = with_seconds(start, verdicts, model)
    head = repository.files(repository.head)
    return Replay(
        name=folder.resolve().name,
        way=chosen_way.name,
        dockerfile_path=inputs.dockerfile,
        commits=timed,
        asked_for=commits if since is None else None,
        shallow=history.shallow,
        model=model,
        problem=problem,
        blame=blame_of(timed, timed=model is not None),
        splits=splits_of(repository, history, inputs, timed, model) if dockerfile is None else (),
        submodules=len(head.submodules),
    )


def _silent(_: str) -> None: ...
