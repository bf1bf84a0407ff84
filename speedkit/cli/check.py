"""`speedkit check`: the budgets and claims of a project, for CI, hooks and people."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speedkit.errors import FileRefused, Misuse
from speedkit.messages import message

from .arguments import AsJson, BuildArgs, FileOption, TargetOption, WayOption, parse_build_args, with_docker_options
from .argv_secrets import hide_on_command_line
from .output import print_json, print_json_pieces, print_sentence, print_text, say, say_command

if TYPE_CHECKING:
    from speedkit.engine import CommandOptions
    from speedkit.gate import CheckOutcome

__all__ = ["register"]

MARKS = {True: "✓", False: "✗", None: "?"}


class Format(StrEnum):
    """The forms that the answer can have."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def register(program: typer.Typer) -> None:
    kept = message("Check the budgets and claims in a project's speedkit.toml: exit with 1 if one does not hold.")
    program.command("check", help=kept)(with_docker_options(check))


def check(
    folder: Annotated[
        Path, typer.Argument(metavar="PATH", help=message("The folder of the project, with its speedkit.toml."))
    ] = Path(),
    build: Annotated[
        bool | None,
        typer.Option(
            "--build/--no-build",
            help=message(
                "Build an isolated copy for real, and once more for each change; or leave out what needs a build. Without "
                "either, a budget that needs a build and has no recorded one does not hold."
            ),
        ),
    ] = None,
    way: WayOption = None,
    file: FileOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help=message("The form of the answer; `github` is Markdown for the summary of a step, with annotations on stderr."),
        ),
    ] = Format.TEXT,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help=message("Write the answer into a file as SARIF, besides."))
    ] = None,
    as_json: AsJson = False,
    *,
    options: CommandOptions,
) -> None:
    """Print an entry for each budget and claim. Exit with 1 unless all of them hold."""
    from speedkit.gate import check as checked

    from .progress import TerminalWatch

    hide_on_command_line(build_arg or ())
    if as_json and form not in (Format.TEXT, Format.JSON):
        raise Misuse(
            message("--json and --format {format} are two forms.", format=form.value), fix=message("Give one of them.")
        )
    outcome = checked(
        folder,
        way=way,
        dockerfile=file,
        target=target,
        build_args=parse_build_args(build_arg),
        options=options,
        build=build is True,
        forecast_only=build is False,
        watch=TerminalWatch,
    )
    for sentence in outcome.notices:
        say(sentence)
    _print(outcome, Format.JSON if as_json else form)
    if sarif is not None:
        _write_sarif(sarif, outcome)
    if not outcome.ok:
        raise typer.Exit(1)


def _print(outcome: CheckOutcome, form: Format) -> None:
    from speedkit.gate import markdown, sarif_document, workflow_commands

    if form == Format.JSON:
        print_json(outcome.to_json())
    elif form == Format.SARIF:
        # The standard knows no `secrets_left_out`, which `print_json` may add.
        print_json_pieces([json.dumps(sarif_document(outcome), indent=2)])
    elif form == Format.GITHUB:
        print_text(*markdown(outcome).rstrip("\n").split("\n"))
        # The runner reads commands from both streams; stdout goes into the summary.
        for command in workflow_commands(outcome):
            say_command(command)
    else:
        _print_text(outcome)


def _print_text(outcome: CheckOutcome) -> None:
    from speedkit.gate import amount_text

    for entry in outcome.entries:
        title = entry.name
        if entry.kind != "claim":
            amount, allowed = amount_text(entry, entry.amount), amount_text(entry, entry.allowed)
            title = message("{name}: {amount}, allowed {allowed}", name=title, amount=amount, allowed=allowed)
        print_text(f"{MARKS[entry.ok]} {title}")
        if entry.kind == "claim" and entry.steps:
            for step in entry.steps:
                print_sentence(f"{entry.file}:{step.line}: {step.instruction}", indent=2)
                print_sentence(step.because, indent=4)
        else:
            print_sentence(entry.because, indent=2)
    print_sentence(outcome.sentence)


def _write_sarif(path: Path, outcome: CheckOutcome) -> None:
    from speedkit.gate import sarif_document

    try:
        path.write_text(json.dumps(sarif_document(outcome), indent=2), encoding="ascii")
    except OSError as problem:
        raise FileRefused(
            message("{path} cannot be written: {problem}.", path=path, problem=problem.strerror),
            fix=message("Name a file in a folder that exists."),
        ) from None
