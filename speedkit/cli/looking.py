"""`speedkit history`: what was built before. Reads recordings only; needs no engine."""

from __future__ import annotations

from typing import Annotated

import typer

from speedkit.cli.output import print_json, print_table

__all__ = ["register"]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(program: typer.Typer) -> None:
    program.command("history")(history)


def history(
    limit: Annotated[int, typer.Option(min=1, help="How many builds to list, the newest.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List the builds that were recorded, oldest first."""
    from speedkit.history import recordings
    from speedkit.rendering import seconds_text

    metas = [recording.meta for recording in recordings()[-limit:]]
    if as_json:
        keys = ("id", "started_at", "app", "source", "strategy", "edit", "seconds", "outcome", "exit_code", "session")
        print_json({"builds": [{key: getattr(meta, key) for key in keys} for meta in metas]})
        return
    rows = [
        [
            meta.id,
            meta.started_at[:19].replace("T", " "),
            meta.app,
            meta.strategy,
            meta.edit,
            seconds_text(meta.seconds),
            meta.outcome,
        ]
        for meta in metas
    ]
    print_table("", ["id", "started (UTC)", "app", "strategy", "edit", "seconds", "outcome"], rows, numbers=["seconds"])
