"""Puts the verbs together and turns errors into one message and an exit code.

Exit codes: 0 good, 1 "no", 2 misuse, 3 the engine or a build failed.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup

from speedkit.cli import building, layers, looking, making
from speedkit.cli.output import stderr
from speedkit.errors import SpeedkitError

if TYPE_CHECKING:
    from speedkit.images.image import Image

__all__ = ["program", "run"]


class _Verbs(TyperGroup):
    """The verbs; Ctrl-C ends one with a sentence and the exit code of a build that was cancelled."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            stderr.print("Cancelled. What had been built until then is in `speedkit history`.", highlight=False, soft_wrap=True)
            raise typer.Exit(3) from None


program = typer.Typer(
    cls=_Verbs,
    name="speedkit",
    help="Learn why Docker builds are slow, with real builds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verbs in (making, building, looking, layers):
    verbs.register(program)


def run(read_image: Callable[[], Image] | None) -> NoReturn:
    """Run the program with this process's arguments and end the process.

    read_image: reads the image that the arguments name, when an engine was asked for it already.
    """
    atexit.register(gc.freeze)  # else Python looks through all that was made before it ends, 15 ms for an image
    _take_leave_in_good_order()
    _sweep_leftovers()
    for stream in (sys.stdout, sys.stderr):
        # A pipe on Windows, or PYTHONIOENCODING, may know no ✓.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    try:
        program(standalone_mode=True, obj=read_image)
    except SpeedkitError as problem:
        _say(problem.what, problem.fix)
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as problem:
        _say(f"Something went wrong that speedkit has no words for: {type(problem).__name__}: {problem}", _kept_traceback())
        sys.exit(3)
    sys.exit(0)


def _sweep_leftovers() -> None:
    from speedkit.ownership import has_dead_owners

    if has_dead_owners():
        from speedkit.apps import sweep_leftovers

        sweep_leftovers()


def _take_leave_in_good_order() -> None:
    """Let whoever ends this process, or closes its terminal, do what Ctrl-C does: builds are cancelled and recorded."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _say(what: str, fix: str) -> None:
    stderr.print(f"[bold red]✗[/] {_plain(what)}", highlight=False, soft_wrap=True)
    if fix:
        stderr.print(f"  {_plain(fix)}", highlight=False, soft_wrap=True)


def _kept_traceback() -> str:
    """Where the traceback of the error at hand is kept, for whoever is asked for help."""
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="speedkit-error-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as kept:
            kept.write(traceback.format_exc())
    except OSError:
        return ""
    return f"Where in the program it happened is in {kept.name}."


def _plain(text: str) -> str:
    from rich.markup import escape

    from speedkit.rendering.ansi import plain_log

    return escape(plain_log(text))
