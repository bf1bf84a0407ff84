"""`speedkit clean`: removes unused images, containers and working copies of speedkit."""

from __future__ import annotations

from typing import Annotated

import typer

from speedkit.commands import as_typed
from speedkit.errors import EngineError
from speedkit.messages import listed, message, plural

from .arguments import AsJson
from .output import print_json, say

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    removed = message("Remove the images, containers and working copies that speedkit made and nothing uses; nothing of yours.")
    program.command("clean", help=removed)(clean)


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
    """Clean up, and print the counts of removed objects and the reasons of those that stay."""
    from speedkit.apps import typed_text_notice
    from speedkit.engine import connect
    from speedkit.setup import clean as clean_up
    from speedkit.setup import why_apt_file_stays, why_copy_stays

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
    say(message("Removed {things}.", things=listed(removed)))
    for left in done.in_use:
        say(why_copy_stays(left))
    if done.typed:
        where = typed_text_notice(len(done.typed), done.typed[0].parent)
        removed_by = message("`{command} --all` removes it.", command=as_typed("speedkit clean"))
        say(f"{where} {removed_by}")
    for path in done.apt_removed:
        say(message("Removed {path}. The engine stays installed, and gets no updates from there any more.", path=path))
    for path in done.apt_kept:
        say(why_apt_file_stays(path))
