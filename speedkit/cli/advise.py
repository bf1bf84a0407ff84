"""`speedkit advise`: changes that make the rebuilds of a project quicker, and their proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speedkit.errors import FileRefused
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
from .output import print_file, print_json, print_sentence, print_text, say
from .printed_proofs import print_proof

if TYPE_CHECKING:
    from speedkit.engine import CommandOptions
    from speedkit.proof import Advice

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    summary = message("Say what to change in a project's Dockerfile, as a patch; with --prove, build both and compare.")
    program.command("advise", help=summary)(with_docker_options(advise))


def advise(
    project: ProjectArgument,
    way: WayOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove",
            help=message(
                "Build the last commits as they are and patched, and keep only what is quicker and gives an equal image."
            ),
        ),
    ] = False,
    commits: CommitsOption = 5,
    smoke: SmokeOption = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help=message("Write the patch to a file, for `git apply FILE`."))
    ] = None,
    as_json: AsJson = False,
    *,
    options: CommandOptions,
) -> None:
    """Print the advice. Nothing is written into the project's folder."""
    from speedkit.proof import advise as advised

    from .progress import TerminalWatch

    hide_on_command_line([*(build_arg or ()), *([smoke] if smoke else [])])
    advice = advised(
        project,
        prove=prove,
        commits=commits,
        smoke=smoke,
        way=way,
        target=target,
        build_args=parse_build_args(build_arg),
        options=options,
        watch=TerminalWatch,
    )
    # Before anything is printed: a reader of a pipe may close it early, and wants the file all the same.
    if write is not None and advice.patch:
        _write(write, advice.patch)
    if as_json:
        print_json(advice.to_json())
    else:
        _print_advice(advice, project, write)


def _write(path: Path, patch: str) -> None:
    try:
        path.write_bytes(patch.encode("utf-8", "surrogateescape"))
    except OSError as problem:
        raise FileRefused(
            message("The patch cannot be written to {path}: {problem}.", path=path, problem=problem.strerror),
            fix=message("Name another file."),
        ) from None


def _print_advice(advice: Advice, project: Path, written: Path | None) -> None:
    for notice in advice.notices:
        say(f"! {notice}")
    print_sentence(advice.summary)
    for piece in advice.pieces[:1]:
        print_text("")
        print_sentence(f"{piece.because} {piece.prediction}".strip())
        if piece.proof is not None:
            print_text("")
            print_proof(piece)
        print_text("")
        # Byte by byte, so that a patch can be copied from the terminal, or piped into `git apply`.
        print_file(piece.patch.encode("utf-8", "surrogateescape"))
        print_text("")
        if written is not None:
            print_text(message("To apply it: git -C {folder} apply {file}", folder=project, file=written.resolve()))
        else:
            print_text(message("--write FILE writes the patch to a file, for `git apply FILE`."))
        if piece.proof is None:
            print_text(message("--prove builds the last commits with and without it, and compares their images."))
    for piece in advice.tried:
        print_text("")
        print_text(message("Tried, not worth it: {rule}: {why}.", rule=piece.rule, why=piece.why_not))
        print_proof(piece)
