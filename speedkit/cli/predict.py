"""`speedkit predict`: a forecast from recordings, and from the base images of an engine if one answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speedkit.errors import DockerfileError
from speedkit.messages import message

from .arguments import (
    AsJson,
    BuildArgs,
    BuilderOption,
    FileOption,
    StrategyOption,
    TargetOption,
    WayOption,
    app_named,
    parse_build_args,
    with_docker_options,
)
from .argv_secrets import hide_on_command_line
from .printed_reasons import print_reasons

if TYPE_CHECKING:
    from speedkit.engine import CommandOptions

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    if_built = message("Say what would run if you built now, and why. Nothing is built.")
    program.command("predict", help=if_built)(with_docker_options(predict))


def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=message("The folder that holds the Dockerfile."))],
    strategy: StrategyOption = None,
    file: FileOption = None,
    way: WayOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    builder: BuilderOption = None,
    change: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help=message("What if this file changed; may be repeated."))
    ] = None,
    as_json: AsJson = False,
    *,
    options: CommandOptions,
) -> None:
    """Print the forecast of a build. An error in the Dockerfile quotes its line."""
    from speedkit.history import predict as forecast

    hide_on_command_line(build_arg or ())
    app = app_named(folder, strategy, file, way, options)
    arguments = parse_build_args(build_arg)
    try:
        reasons = forecast(
            app,
            strategy,
            build_args=arguments,
            target=target,
            builder=builder,
            changed=change or (),
            options=options,
        )
    except DockerfileError as problem:
        raise _quoting(problem, app.strategy(strategy).dockerfile) from None
    print_reasons(reasons, "forecast", as_json=as_json)


def _quoting(problem: DockerfileError, dockerfile: Path) -> DockerfileError:
    """The same error with a quote of its line in the Dockerfile."""
    # BuildKit counts only line feeds. `str.splitlines` also ends a line at a carriage return or a line separator.
    lines = dockerfile.read_bytes().decode("utf-8", "backslashreplace").replace("\r\n", "\n").split("\n")
    if problem.line is None or problem.line > len(lines):
        return problem
    quoted = f"  {problem.line} | {lines[problem.line - 1]}"
    return DockerfileError(problem.what, line=problem.line, fix=problem.fix, quoted=quoted)
