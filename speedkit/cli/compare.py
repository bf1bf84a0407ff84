"""`speedkit compare`: strategies under edits, measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.errors import Misuse, UnknownEdit
from speedkit.messages import message

from .arguments import AsJson, BuildArgs, FileOption, TargetOption, WayOption, parse_build_args, with_docker_options
from .argv_secrets import hide_on_command_line
from .output import print_json, print_table
from .printed_builds import print_notices

if TYPE_CHECKING:
    from speedkit.apps import App, Edit
    from speedkit.engine import CommandOptions

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    under_edits = message('Measure strategies under edits, interleaved; "cold" is an edit too.')
    program.command("compare", help=under_edits)(with_docker_options(compare))


def compare(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help=message("A folder; the sample app by default."))
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--app",
            metavar="LANGUAGE",
            help=message("Without DIR: the sample app in go, python, node, rust or java."),
        ),
    ] = None,
    strategy: Annotated[
        list[str] | None, typer.Option("-s", "--strategy", help=message("A strategy; may be repeated."))
    ] = None,
    edit: Annotated[
        list[str] | None,
        typer.Option(
            "-e",
            "--edit",
            help=message(
                "An edit; may be repeated. For a folder of yours also FILE, to append an empty line to it, "
                "or FILE=OTHER, to put another file in its place."
            ),
        ),
    ] = None,
    file: FileOption = None,
    way: WayOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    repeat: Annotated[int, typer.Option(min=1, help=message("Trials of each."))] = 1,
    as_json: AsJson = False,
    *,
    options: CommandOptions,
) -> None:
    """Measure, and print the medians. Exit with 3 if a build failed."""
    from speedkit import builds
    from speedkit.apps import COLD

    from .progress import TerminalWatch

    hide_on_command_line(build_arg or ())
    with _app_to_compare(folder, language, file, way, options) as app:
        # Only a sample app has edits with names. Any other folder is measured as it is, unless a file is named.
        edits = edit or [COLD, "none", *(["rename-field"] if "rename-field" in app.edits else [])]
        app.edits |= {name: _edit_of_a_file(app, name) for name in edits if name != COLD and name not in app.edits}
        result = builds.compare(
            app,
            strategy,
            edits,
            repeat=repeat,
            watch=TerminalWatch,
            target=target,
            build_args=parse_build_args(build_arg),
            options=options,
        )
    if as_json:
        print_json({"rows": result.rows})
    else:
        print_comparison(result)
    print_notices(result.builds)
    if not all(row["ok"] for row in result.rows):
        raise typer.Exit(3)


def _app_to_compare(
    folder: Path | None, language: str | None, file: Path | None, way: str | None, options: CommandOptions
) -> App:
    from speedkit.apps import named_dockerfile, own_app, sample_app
    from speedkit.projects import open_project

    if folder is None:
        if way is not None:
            raise Misuse(message("The sample app has no ways to build."), fix=message("Name a folder before --way."))
        if file is not None:
            raise Misuse(message("The sample app has Dockerfiles of its own."), fix=message("Name a folder before -f."))
        return sample_app(language) if language is not None else sample_app()
    if language is not None:
        raise Misuse(message("The command has both a folder and a sample app."), fix=message("Give DIR or --app, not both."))
    if way is not None and file is not None:
        raise Misuse(message("The command has both a way and a Dockerfile."), fix=message("Give --way or -f, not both."))
    if way is not None:
        return open_project(folder).app_copy(way, named_contexts=options.named_contexts)
    if file is None:
        return own_app(folder)
    found = named_dockerfile(folder, file)
    return own_app(folder, dockerfile=str(found.parent.resolve() / found.name))


def _edit_of_a_file(app: App, name: str) -> Edit:
    """The edit that `FILE` or `FILE=OTHER` means.

    Raises: UnknownEdit, Misuse.
    """
    from speedkit.apps import append_line, replacement

    file, replaced, other = name.partition("=")
    if not (app.folder / file).is_file():
        raise UnknownEdit(name, [*app.edits, "FILE", "FILE=OTHER"])
    if not replaced:
        return append_line(file, "", called=name)
    if not Path(other).is_file():
        raise Misuse(
            message("{path} is not a file.", path=other),
            fix=message("Name the file to put in the place of {path}.", path=file),
        )
    return replacement(file, Path(other).resolve(), called=name)


def print_comparison(result: Any) -> None:
    """Print the median of each strategy and edit."""
    from speedkit.words import seconds_text

    def span(row: Any) -> str:
        if row["runs"] <= 1:
            return message("one run")
        return message("{low} to {high}", low=seconds_text(row["low_seconds"]), high=seconds_text(row["high_seconds"]))

    rows = [
        [
            row["strategy"],
            row["edit"],
            seconds_text(row["median_seconds"]) if row["ok"] else message("failed"),
            span(row),
            row["runs"],
            row["stand_ins"],
        ]
        for row in result.summary.to_dict("records")
    ]
    median, runs = message("median"), message("number of runs")
    columns = [message("strategy"), message("edit"), median, message("range"), runs, ""]
    print_table("", columns, rows, numbers=[median, runs])
