"""Puts the verbs together and turns errors into one message and an exit code.

Exit codes: 0 good, 1 "no", 2 misuse, 3 the engine or a build failed.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer

from speedkit.cli import building, layers, looking, making
from speedkit.cli.output import stderr
from speedkit.errors import SpeedkitError

__all__ = ["main", "program"]

program = typer.Typer(
    name="speedkit",
    help="Learn why Docker builds are slow, with real builds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verbs in (making, building, looking, layers):
    verbs.register(program)


def main() -> NoReturn:
    """Run the program with this process's arguments and end the process."""
    try:
        program(standalone_mode=True)
    except SpeedkitError as problem:
        stderr.print(f"[bold red]✗[/] {_plain(problem.what)}", highlight=False, soft_wrap=True)
        if problem.fix:
            stderr.print(f"  {_plain(problem.fix)}", highlight=False, soft_wrap=True)
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
