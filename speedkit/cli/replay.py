"""`speedkit replay`: the cost of a repository's history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.messages import message

from .arguments import (
    AsJson,
    BuildArgs,
    BuilderOption,
    SinceOption,
    TargetOption,
    WayOption,
    parse_build_args,
    with_docker_options,
)
from .argv_secrets import hide_on_command_line
from .output import print_json, print_table, print_text, say

if TYPE_CHECKING:
    from speedkit.engine import CommandOptions
    from speedkit.replays import Replay

__all__ = ["register"]

_MOST_LINES = 10


def register(program: typer.Typer) -> None:
    summary = message(
        "Say what a repository's history costs: which steps each commit ran, for how long, and because of which files."
    )
    program.command("replay", help=summary)(with_docker_options(replay))


def replay(
    folder: Annotated[Path, typer.Argument(metavar="PATH", help=message("A folder in a git repository."))],
    way: WayOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    commits: Annotated[int, typer.Option(min=1, metavar="N", help=message("How many of the last commits."))] = 200,
    since: SinceOption = None,
    measure: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="K",
            help=message("Build K of the commits for real, each after the one before it, to learn the seconds."),
        ),
    ] = 0,
    builder: BuilderOption = None,
    as_json: AsJson = False,
    *,
    options: CommandOptions,
) -> None:
    """Replay the history from git's objects. Nothing is built unless `--measure` says so."""
    from speedkit.replays import replay as replay_history

    hide_on_command_line(build_arg or ())
    result = replay_history(
        folder,
        way=way,
        commits=commits,
        since=since,
        measure=measure,
        target=target,
        build_args=parse_build_args(build_arg),
        options=options,
        builder=builder,
        say=say,
    )
    if as_json:
        print_json(_document(result))
    else:
        _print(result)
    # Without --measure, missing seconds are no failure: the misses are there.
    if result.problem and measure:
        raise typer.Exit(3)


def _print(result: Replay) -> None:
    from speedkit.replays import blame_sentence, findings, split_sentence

    print_text(*findings(result))
    rows = [
        [blame.line if blame.is_current else "", blame.instruction, blame_sentence(blame, result)]
        for blame in result.blame[:_MOST_LINES]
    ]
    if not rows:
        return
    line = message("line")
    print_table(message("Where the cost comes from"), [line, message("instruction"), message("because")], rows, numbers=[line])
    for split in result.splits[:1]:
        print_text("", split_sentence(split))
        print_text(*split.patch.rstrip("\n").split("\n"))


def _document(result: Replay) -> dict[str, Any]:
    from speedkit.git_history import GIT_FOLDER
    from speedkit.replays import one_by_one

    return {
        "commits": [
            {
                "commit": one.commit.id,
                "committed_at": one.commit.seconds,
                "author": one.commit.author,
                "seconds": _rounded(one.seconds),
                "trouble": one.trouble,
                "steps": [
                    {
                        "line": step.line,
                        "instruction": step.instruction,
                        "forecast": verdict,
                        "seconds": _rounded(seconds),
                        "files": list(files),
                    }
                    for step, verdict, seconds, files in one_by_one(one)
                ],
            }
            for one in result.commits
        ],
        "total_seconds": _rounded(result.total_seconds),
        "model_error_percent": _rounded(result.model.error_percent if result.model else None),
        "blame": [
            {
                "line": blame.line,
                "instruction": blame.instruction,
                "misses": blame.misses,
                "seconds": _rounded(blame.seconds),
                "critical_seconds": _rounded(blame.critical_seconds),
                # `.git` differs in every commit, so it has no count of its own among the patterns.
                "files": [*([GIT_FOLDER] if blame.git_folder else []), *(one.pattern for one in blame.files)],
                "commits_by_files": [{"files": one.pattern, "commits": one.commits} for one in blame.files],
                "in_newest_dockerfile": blame.is_current,
            }
            for blame in result.blame
        ],
        "splits": [
            {
                "line": split.line,
                "patch": split.patch,
                "saves_seconds": _rounded(split.saves_seconds),
                "saves_runs": split.saves_runs,
                "files": list(split.files),
            }
            for split in result.splits
        ],
        "stand_in": bool(result.model and result.model.stand_in),
        "measured_builds": len(result.model.builds) if result.model else 0,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
