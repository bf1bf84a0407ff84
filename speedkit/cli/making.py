"""`speedkit doctor`, `setup`, `clean`, `engine` and `tour`: what surrounds the builds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speedkit.cli.arguments import AsJson
from speedkit.cli.output import ask, print_json, print_table, say
from speedkit.commands import as_typed
from speedkit.errors import EngineError, Misuse
from speedkit.messages import message, plural

__all__ = ["register"]

engine_verbs = typer.Typer(help=message("The engine that speedkit started itself."), no_args_is_help=True)


def register(program: typer.Typer) -> None:
    checked = message("Check everything that builds need, and say what to type where something is missing.")
    program.command("doctor", help=checked)(doctor)
    made = message("Make what is missing: an engine, base images, Go. Does nothing that was done before.")
    program.command("setup", help=made)(setup)
    program.command("tour", help=message("Execute every notebook with real builds and write out/index.html."))(tour)
    removed = message("Remove the images, containers and working copies that speedkit made and nothing uses; nothing of yours.")
    program.command("clean", help=removed)(clean)
    program.add_typer(engine_verbs, name="engine")


def doctor(as_json: AsJson = False) -> None:
    """Print a row per check, and exit with 1 where something is missing."""
    from speedkit import setup as setting_up

    report = setting_up.doctor()
    if as_json:
        print_json(report.to_json())
    else:
        rows = [
            ["✓" if check.ok else "✗" if check.needed else "!", check.shown_name, check.found, "" if check.ok else check.fix]
            for check in report.checks
        ]
        print_table("", ["", message("check"), message("found"), message("what to do")], rows)
    if not report.ready:
        raise typer.Exit(1)


def setup(yes: Annotated[bool, typer.Option("--yes", "-y", help=message("Install without asking."))] = False) -> None:
    """Set the machine up, and say what is done."""
    from speedkit.setup import run_setup

    run_setup(yes=yes, ask=ask, say=say)


def tour(
    quick: Annotated[
        bool, typer.Option("--quick", help=message("Only the notebooks that tell the story in three minutes."))
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help=message("Also build every strategy under every edit; takes long."))
    ] = False,
    out: Annotated[Path, typer.Option(help=message("Where the report goes."))] = Path("out"),
    session: Annotated[str | None, typer.Option(help=message("A name for the builds of this tour."))] = None,
) -> None:
    """Take the tour, print its table, and exit with 3 where a build failed that should not have."""
    from speedkit.rendering.ansi import plain_log
    from speedkit.report import run_tour
    from speedkit.report.summary import strategy_by_edit
    from speedkit.words import outcome_word
    from speedkit.words.amounts import seconds_text

    if quick and full:
        raise Misuse(message("A tour is quick or full, not both."), fix=message("Leave out --quick or --full."))
    finished = run_tour(out=out, quick=quick, full=full, session=session, say=say)
    columns, rows = strategy_by_edit(finished.builds)
    print_table("", columns, rows, numbers=columns[1:])
    took, count = seconds_text(finished.seconds), len(finished.builds)
    if finished.left_out:
        made = plural(
            "{count} real build in {seconds}, without {names}.",
            "{count} real builds in {seconds}, without {names}.",
            count,
            seconds=took,
            names=", ".join(finished.left_out),
        )
    else:
        made = plural("{count} real build in {seconds}.", "{count} real builds in {seconds}.", count, seconds=took)
    say(made)
    say(message("Open {address}", address=finished.page.resolve().as_uri()))
    for build in finished.failed:
        told = (build.error or outcome_word(build.outcome)).strip().splitlines()[-1]
        say(f"✗ {build.strategy}, {build.edit}: {plain_log(told)}")
    if finished.failed:
        raise typer.Exit(3)


def clean(
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help=message(
                "Also the recordings, what was typed in copies that nobody closed, and what set-up wrote below /etc/apt."
            ),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Clean up, and say what was removed and what stays."""
    from speedkit.apps import said_of_typed
    from speedkit.engine.connection import connect
    from speedkit.setup import clean as clean_up
    from speedkit.setup.cleaning import said_of_apt_file, said_of_copy

    try:
        engine = connect()
    except EngineError as problem:
        engine = None
        say(message("Images and containers stay, if there are any. {problem}", problem=problem.what))
    done = clean_up(engine, recordings=everything, apt_files=everything)
    if as_json:
        print_json(done.to_json())
        return
    for one in done.kept:
        say(one.sentence)
    removed = (
        plural("{count:,} image", "{count:,} images", done.images),
        plural("{count:,} container", "{count:,} containers", done.containers),
        plural("{count:,} recording", "{count:,} recordings", done.recordings),
    )
    say(message("Removed {things}.", things=", ".join(removed)))
    for left in done.in_use:
        say(said_of_copy(left))
    if done.typed:
        where = said_of_typed(len(done.typed), done.typed[0].parent)
        removed_by = message("`{command} --all` removes it.", command=as_typed("speedkit clean"))
        say(f"{where} {removed_by}")
    for path in done.apt_removed:
        say(message("Removed {path}. The engine stays installed, and gets no updates from there any more.", path=path))
    for path in done.apt_kept:
        say(said_of_apt_file(path))


@engine_verbs.command("start", help=message("Start the installed engine; does nothing when one answers."))
def engine_start() -> None:
    """Start the engine, and say where it answers."""
    from speedkit.setup.daemon import start_engine

    engine = start_engine()
    say(message("Engine {version} answers at {host}.", version=engine.version, host=engine.host))


@engine_verbs.command("stop", help=message("Stop the engine that speedkit started; another one is left alone."))
def engine_stop() -> None:
    """Stop our engine, and say whether there was one."""
    from speedkit.setup.daemon import stop_engine

    if stop_engine():
        say(message("Stopped."))
    else:
        say(message("speedkit started no engine that still runs. Others are left alone."))


@engine_verbs.command("status", help=message("Say whether an engine answers and whose it is."))
def engine_status(as_json: AsJson = False) -> None:
    """Print how it stands with the engine, and exit with 1 where none answers."""
    from speedkit.setup.daemon import status

    found = status()
    if as_json:
        print_json({"answers": found.answers, "version": found.version, "ours": found.ours, "log": found.log})
    else:
        whose = message("started by speedkit") if found.ours else message("not started by speedkit")
        row = [found.version or message("none answers"), whose if found.answers else ""]
        print_table("", [message("engine"), ""], [row])
    if not found.answers:
        raise typer.Exit(1)
