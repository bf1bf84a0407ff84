"""`speedkit tour`: every notebook executed, and the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speedkit.errors import Misuse
from speedkit.messages import listed, message, plural

from .output import print_table, say

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    program.command("tour", help=message("Execute every notebook with real builds and write out/index.html."))(tour)


def tour(
    quick: Annotated[
        bool, typer.Option("--quick", help=message("Only the notebooks that tell the story in three minutes."))
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help=message("Also build every strategy under every edit, and all languages; takes long."))
    ] = False,
    out: Annotated[Path, typer.Option(help=message("Where the report goes."))] = Path("out"),
    session: Annotated[str | None, typer.Option(help=message("A name for the builds of this tour."))] = None,
) -> None:
    """Run the tour, print its table, and exit with 3 if a build failed unexpectedly."""
    from speedkit.rendering import plain_log
    from speedkit.reports import run_tour, strategy_by_edit
    from speedkit.words import outcome_word, seconds_text

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
            names=listed(finished.left_out),
        )
    else:
        made = plural("{count} real build in {seconds}.", "{count} real builds in {seconds}.", count, seconds=took)
    say(made)
    say(message("Open {address}", address=finished.page.resolve().as_uri()))
    for build in finished.failed:
        last_line = (build.error or outcome_word(build.outcome)).strip().splitlines()[-1]
        say(f"✗ {build.strategy}, {build.edit}: {plain_log(last_line)}")
    if finished.failed:
        raise typer.Exit(3)
