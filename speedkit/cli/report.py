"""`speedkit report`: one HTML file on what a project's builds cost, why, and what to change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speedkit.messages import message

from .arguments import (
    AsJson,
    BuildArgs,
    ProjectArgument,
    SinceOption,
    SmokeOption,
    TargetOption,
    WayOption,
    parse_build_args,
    with_docker_options,
)
from .argv_secrets import hide_on_command_line
from .output import print_json, print_text, say

if TYPE_CHECKING:
    from speedkit.engine import CommandOptions

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    page = message("Write one HTML file on what a project's builds cost, why, and what to change. It needs no network.")
    program.command("report", help=page)(with_docker_options(report))


def report(
    project: ProjectArgument,
    out: Annotated[Path, typer.Option(metavar="FILE", help=message("The file to write."))] = Path("speedkit-report.html"),
    way: WayOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    commits: Annotated[int, typer.Option(min=1, metavar="N", help=message("How many of the last commits to replay."))] = 200,
    since: SinceOption = None,
    measure: Annotated[
        int,
        typer.Option(min=0, metavar="K", help=message("Build K of the commits for real, to learn the seconds.")),
    ] = 0,
    build: Annotated[
        bool, typer.Option("--build", help=message("Build the project now, to show the layers of its image."))
    ] = False,
    prove: Annotated[bool, typer.Option("--prove", help=message("Prove the advice with real builds."))] = False,
    prove_commits: Annotated[
        int, typer.Option(min=1, max=100, metavar="K", help=message("How many of the last commits a proof builds."))
    ] = 5,
    smoke: SmokeOption = None,
    force: Annotated[
        bool, typer.Option("--force", help=message("Replace the file even when it is no report of speedkit."))
    ] = False,
    as_json: AsJson = False,
    *,
    options: CommandOptions,
) -> None:
    """Write the report. Exit with 3 if a build failed that was asked for."""
    from speedkit.reports import report as write_report

    from .progress import TerminalWatch

    hide_on_command_line([*(build_arg or ()), *([smoke] if smoke else [])])
    written = write_report(
        project,
        out,
        way=way,
        target=target,
        build_args=parse_build_args(build_arg),
        options=options,
        commits=commits,
        since=since,
        measure=measure,
        build=build,
        prove=prove,
        proved_commits=prove_commits,
        smoke=smoke,
        force=force,
        say=say,
        watch=TerminalWatch,
    )
    for reason in dict.fromkeys(written.missing.values()):
        say(message("Not in the report: {because}", because=reason))
    for problem in written.problems:
        say(f"✗ {problem}")
    if as_json:
        print_json(
            {
                "report": str(out.resolve()),
                "missing": [{"part": part, "because": because} for part, because in written.missing.items()],
                "problems": list(written.problems),
            }
        )
    else:
        print_text(message("Open {address}", address=out.resolve().as_uri()))
    if written.problems:
        raise typer.Exit(3)
