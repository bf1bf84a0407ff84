"""`speedkit judge`: the proof of a Dockerfile that somebody else, or a language model, wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speedkit.messages import message

from .arguments import (
    AsJson,
    BuildArgs,
    CommitsOption,
    ProjectArgument,
    SmokeOption,
    TargetOption,
    WayOption,
    parse_build_args,
    with_docker_options,
)
from .argv_secrets import hide_on_command_line
from .output import print_json, print_text
from .printed_proofs import print_proof

if TYPE_CHECKING:
    from speedkit.engine import CommandOptions

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    summary = message("Judge another Dockerfile by real builds of your last commits: is its image equal, and is it quicker?")
    program.command("judge", help=summary)(with_docker_options(judge))


def judge(
    project: ProjectArgument,
    against: Annotated[Path, typer.Option(metavar="FILE", help=message("The Dockerfile to judge."))],
    way: WayOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    commits: CommitsOption = 5,
    smoke: SmokeOption = None,
    as_json: AsJson = False,
    *,
    options: CommandOptions,
) -> None:
    """Print the proof. Exit with 1 if the other Dockerfile is slower, or its image is not equal."""
    from speedkit.proof import judge as judged

    from .progress import TerminalWatch

    hide_on_command_line([*(build_arg or ()), *([smoke] if smoke else [])])
    piece = judged(
        project,
        against,
        way=way,
        target=target,
        build_args=parse_build_args(build_arg),
        options=options,
        commits=commits,
        smoke=smoke,
        watch=TerminalWatch,
    )
    if as_json:
        print_json(piece.to_json())
    else:
        print_proof(piece)
        why = piece.why_not
        print_text("", message("Not worth it: {why}.", why=why) if why else message("It is equal, and quicker."))
    # An equal image that is neither quicker nor slower is a "yes": somebody may want the other Dockerfile for its style.
    if piece.proof is None or piece.proof.verdict not in ("better", "no-gain"):
        raise typer.Exit(1)
