"""`speedkit engine`: the engine that speedkit started itself."""

from __future__ import annotations

import typer

from speedkit.messages import message

from .arguments import AsJson
from .output import print_json, print_table, say

__all__ = ["register"]

engine_verbs = typer.Typer(help=message("The engine that speedkit started itself."), no_args_is_help=True)


def register(program: typer.Typer) -> None:
    program.add_typer(engine_verbs, name="engine")


@engine_verbs.command("start", help=message("Start the installed engine; does nothing when one answers."))
def engine_start() -> None:
    """Start the engine, and print its address."""
    from speedkit.setup import start_engine

    engine = start_engine()
    say(message("Engine {version} answers at {host}.", version=engine.version, host=engine.host))


@engine_verbs.command("stop", help=message("Stop the engine that speedkit started; another one is left alone."))
def engine_stop() -> None:
    """Stop the engine that speedkit started, if one runs."""
    from speedkit.setup import stop_engine

    if stop_engine():
        say(message("Stopped."))
    else:
        say(message("speedkit started no engine that still runs. Others are left alone."))


@engine_verbs.command("status", help=message("Say whether an engine answers and whose it is."))
def engine_status(as_json: AsJson = False) -> None:
    """Print the engine's version and who started it. Exit with 1 if no engine answers."""
    from speedkit.setup import engine_status

    engine = engine_status()
    if as_json:
        print_json({"answers": engine.answers, "version": engine.version, "ours": engine.ours, "log": engine.log})
    else:
        whose = message("started by speedkit") if engine.ours else message("not started by speedkit")
        row = [engine.version or message("none answers"), whose if engine.answers else ""]
        print_table("", [message("engine"), ""], [row])
    if not engine.answers:
        raise typer.Exit(1)
