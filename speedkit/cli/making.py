"""`speedkit doctor`, `setup`, `clean`, `engine` and `tour`: what surrounds the builds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speedkit.cli.arguments import AsJson
from speedkit.cli.output import ask, print_json, print_table, say
from speedkit.commands import as_typed
from speedkit.errors import EngineError, Misuse

__all__ = ["register"]

engine_verbs = typer.Typer(help="The engine that speedkit started itself.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    for verb in (doctor, setup, tour, clean):
        program.command(verb.__name__)(verb)
    program.add_typer(engine_verbs, name="engine")


def doctor(as_json: AsJson = False) -> None:
    """Check everything that builds need, and say what to type where something is missing."""
    from speedkit import setup as setting_up

    report = setting_up.doctor()
    if as_json:
        print_json(report.to_json())
    else:
        rows = [
            ["✓" if check.ok else "✗" if check.needed else "!", check.name, check.found, "" if check.ok else check.fix]
            for check in report.checks
        ]
        print_table("", ["", "check", "found", "what to do"], rows)
    if not report.ready:
        raise typer.Exit(1)


def setup(yes: Annotated[bool, typer.Option("--yes", "-y", help="Install without asking.")] = False) -> None:
    """Make what is missing: an engine, base images, Go. Does nothing that was done before."""
    from speedkit.setup import run_setup

    run_setup(yes=yes, ask=ask, say=say)


def tour(
    quick: Annotated[bool, typer.Option("--quick", help="Only the notebooks that tell the story in three minutes.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Also build every strategy under every edit; takes long.")] = False,
    out: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("out"),
    session: Annotated[str | None, typer.Option(help="A name for the builds of this tour.")] = None,
) -> None:
    """Execute every notebook with real builds and write out/index.html."""
    from speedkit.rendering.ansi import plain_log
    from speedkit.report import run_tour
    from speedkit.report.summary import strategy_by_edit
    from speedkit.words.amounts import seconds_text

    if quick and full:
        raise Misuse("A tour is quick or full, not both.", fix="Leave out --quick or --full.")
    finished = run_tour(out=out, quick=quick, full=full, session=session, say=say)
    columns, rows = strategy_by_edit(finished.builds)
    print_table("", columns, rows, numbers=columns[1:])
    left_out = f", without {', '.join(finished.left_out)}" if finished.left_out else ""
    say(f"{len(finished.builds)} real builds in {seconds_text(finished.seconds)}{left_out}.")
    say(f"Open {finished.page.resolve().as_uri()}")
    for build in finished.failed:
        told = (build.error or build.outcome).strip().splitlines()[-1]
        say(f"✗ {build.strategy}, {build.edit}: {plain_log(told)}")
    if finished.failed:
        raise typer.Exit(3)


def clean(
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also the recordings, what was typed in copies that nobody closed, and what set-up wrote below /etc/apt.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the images, containers and working copies that speedkit made and nothing uses; nothing of yours."""
    from speedkit.apps import said_of_typed
    from speedkit.engine.connection import connect
    from speedkit.setup import clean as clean_up
    from speedkit.setup.cleaning import said_of_apt_file
    from speedkit.words import count_text

    try:
        engine = connect()
    except EngineError as problem:
        engine = None
        say(f"Images and containers stay, if there are any. {problem.what}")
    done = clean_up(engine, recordings=everything, apt_files=everything)
    if as_json:
        print_json(done.to_json())
        return
    for one in done.kept:
        say(one.sentence)
    removed = [(done.images, "image"), (done.containers, "container"), (done.recordings, "recording")]
    say(f"Removed {', '.join(count_text(count, one) for count, one in removed)}.")
    for left in done.in_use:
        say(f"{left}: it stays.")
    if done.typed:
        where = said_of_typed(len(done.typed), done.typed[0].parent)
        say(f"{where} `{as_typed('speedkit clean')} --all` removes it.")
    for path in done.apt_removed:
        say(f"Removed {path}. The engine stays installed, and gets no updates from there any more.")
    for path in done.apt_kept:
        say(said_of_apt_file(path))


@engine_verbs.command("start")
def engine_start() -> None:
    """Start the installed engine; does nothing when one answers."""
    from speedkit.setup.daemon import start_engine

    engine = start_engine()
    say(f"Engine {engine.version} answers at {engine.host}.")


@engine_verbs.command("stop")
def engine_stop() -> None:
    """Stop the engine that speedkit started; another one is left alone."""
    from speedkit.setup.daemon import stop_engine

    stopped = stop_engine()
    say("Stopped." if stopped else "speedkit started no engine that still runs. Others are left alone.")


@engine_verbs.command("status")
def engine_status(as_json: AsJson = False) -> None:
    """Say whether an engine answers and whose it is."""
    from speedkit.setup.daemon import status

    found = status()
    if as_json:
        print_json({"answers": found.answers, "version": found.version, "ours": found.ours, "log": found.log})
    else:
        whose = "started by speedkit" if found.ours else "not started by speedkit"
        print_table("", ["engine", ""], [[found.version or "none answers", whose if found.answers else ""]])
    if not found.answers:
        raise typer.Exit(1)
