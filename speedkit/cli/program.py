"""The program: all verbs, and for each error one message and an exit code.

Exit codes: 0 good, 1 "no", 2 misuse, 3 the engine or a build failed.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from speedkit.control_characters import visible_line
from speedkit.errors import SpeedkitError
from speedkit.languages import choose_language, known_languages
from speedkit.messages import listed, message

from . import (
    advise,
    build,
    check,
    clean,
    compare,
    doctor,
    engine,
    exercises,
    explain,
    history,
    import_records,
    judge,
    lab,
    layers,
    predict,
    project,
    replay,
    report,
    setup,
    tour,
)
from .help_language import translate_help_option, translate_usage
from .output import print_text, say, say_problem, say_usage_error, stdout_gone, take_any_character

if TYPE_CHECKING:
    from speedkit.images import Image

__all__ = ["program", "run"]

KEPT_SECONDS = 30 * 24 * 3600.0
LOST_CTRL_C_SECONDS = 0.05
INTERRUPTED_TWICE = 130
"""The result of typer for a Ctrl-C while a verb handles an earlier one."""


UsageError: type[Any] = typer.BadParameter.__bases__[0]
"""The class of typer's errors for a wrong command line, which has no public name in typer."""

translate_usage(typer.Context.__bases__[0])


class _Verbs(TyperGroup):
    """The verbs. Ctrl-C ends a verb with a sentence and the exit code of a cancelled build."""

    def get_help_option(self, ctx: Any) -> Any:
        return translate_help_option(super().get_help_option(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            translate_help_option(command.get_help_option(ctx))
        return command

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say(message("Cancelled. What had been built until then is in `speedkit history`."))
            raise typer.Exit(3) from None


program = typer.Typer(
    cls=_Verbs,
    name="speedkit",
    help=message("Learn why Docker builds are slow, with real builds."),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (
    doctor,
    setup,
    tour,
    clean,
    lab,
    project,
    build,
    compare,
    predict,
    explain,
    replay,
    report,
    history,
    import_records,
    advise,
    judge,
    check,
    layers,
    exercises,
    engine,
):
    verb.register(program)


def _check_language(name: str | None) -> None:
    """Refuse a language that speedkit does not speak; `cli.start` has chosen it already."""
    if name is not None:
        choose_language(name)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print_text(f"speedkit {version('speedkit')}")
        except PackageNotFoundError:
            print_text(message("speedkit, not installed: it runs from a folder of sources"))
        raise typer.Exit


@program.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help=message("Print the version."), callback=_print_version, is_eager=True)
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="NAME",
            help=message("The language of all texts: {names}.", names=listed(known_languages())),
            callback=_check_language,
            is_eager=True,
        ),
    ] = None,
) -> None:
    """The options of the program itself."""


def run(read_image: Callable[[], Image] | None) -> NoReturn:
    """Run the program with this process's arguments and end the process.

    read_image: reads the image in the arguments, if the engine was asked for it already (see cli.start).
    """
    # Else Python searches all objects for cycles before it ends: 0.03 s of CPU for 7,500 files, of the 0.15 s that
    # `speedkit layers` may take longer than `docker save` does.
    atexit.register(gc.freeze)
    _treat_signals_like_ctrl_c()
    sys.unraisablehook = _deliver_lost_ctrl_c
    take_any_character()
    code: object = 0
    try:
        _sweep_leftovers()
        code = program(standalone_mode=False, obj=read_image)
        # typer turns the second Ctrl-C into an exit code of its own; cli.start gives it that of a cancelled build.
        if code == INTERRUPTED_TWICE:
            raise KeyboardInterrupt
    except UsageError as problem:
        say_usage_error(problem)
        code = problem.exit_code
    except typer.Abort:
        say(message("Aborted."))
        code = 1
    except SpeedkitError as problem:
        say_problem(problem.what_visible, problem.fix)
        code = problem.exit_code
    except BrokenPipeError:
        stdout_gone()
        code = 1
    except Exception as problem:
        words = message(
            "Something went wrong that speedkit has no words for: {kind}: {problem}",
            kind=type(problem).__name__,
            problem=problem,
        )
        say_problem(visible_line(words), _kept_traceback())
        code = 3
    sys.exit(code if isinstance(code, int) else 0)


def _sweep_leftovers() -> None:
    from speedkit.ownership import has_dead_owners

    # Usually there are no leftovers, and then the modules that remove them are not loaded.
    if has_dead_owners():
        from speedkit.apps import remove_leftovers_and_report

        remove_leftovers_and_report(say)


def _treat_signals_like_ctrl_c() -> None:
    """Treat SIGTERM and SIGHUP (a closed terminal) like Ctrl-C, so that builds are cancelled and recorded."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _deliver_lost_ctrl_c(lost: sys.UnraisableHookArgs) -> None:
    """Send Ctrl-C again where Python dropped it.

    The handler of a signal runs between any two instructions. When these are of a finalizer (`__del__`, a generator that is
    collected), Python drops the KeyboardInterrupt, and the verb would go on. Source: the documentation of
    `sys.unraisablehook`.
    """
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    # By a thread and a little later: sent from here, it would arrive in this function, and be dropped again.
    again = threading.Timer(LOST_CTRL_C_SECONDS, _interrupt_main_thread)
    again.daemon = True
    again.start()


def _interrupt_main_thread() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        # Unlike `interrupt_main`, this also wakes a main thread that waits for a file or a lock.
        os.kill(os.getpid(), signal.SIGINT)


def _kept_traceback() -> str:
    """Keep the traceback of the current error in a file for a month, for a bug report. Out: the sentence about it."""
    import tempfile
    import time
    import traceback

    from speedkit.secrets import hide_secrets

    try:
        for old in Path(tempfile.gettempdir()).glob("speedkit-error-*.txt"):
            with contextlib.suppress(OSError):  # another user's file cannot be removed
                if time.time() - old.lstat().st_mtime > KEPT_SECONDS:
                    old.unlink()
        with tempfile.NamedTemporaryFile(
            "w", prefix="speedkit-error-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as kept:
            kept.write(hide_secrets(traceback.format_exc()))
    except OSError:
        return ""
    return message("Where in the program it happened is in {path}.", path=kept.name)
