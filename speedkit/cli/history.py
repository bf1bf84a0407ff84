"""`speedkit history`: the recorded builds."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from speedkit.messages import message

from .arguments import AsJson
from .output import print_json, print_table

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    program.command("history", help=message("List the builds that were recorded, oldest first."))(history)


def history(
    limit: Annotated[int, typer.Option(min=1, help=message("How many builds to list, the newest."))] = 30,
    as_json: AsJson = False,
) -> None:
    """Print a row per recorded build, oldest first."""
    from speedkit.history import recordings
    from speedkit.words import outcome_word, seconds_text

    metas = [recording.meta for recording in recordings()[-limit:]]
    if as_json:
        from speedkit.secrets import count_substitutes

        keys = (
            "id",
            "started_at",
            "app",
            "source",
            "strategy",
            "edit",
            "seconds",
            "outcome",
            "exit_code",
            "session",
            "imported",
        )
        builds = []
        for meta in metas:
            # Only these texts of a recording can have substitutes for secrets.
            secret_parts = (meta.build_args, meta.cache_from, meta.cache_to, meta.bases, meta.answer, meta.error, meta.options)
            count = count_substitutes(json.dumps(secret_parts))
            builds.append({key: getattr(meta, key) for key in keys} | {"secrets_left_out": count})
        print_json({"builds": builds})
        return
    rows = [
        [
            meta.id.partition("-")[0],
            meta.started_at[:16].replace("T", " "),
            meta.app,
            meta.strategy,
            # A build that was made elsewhere has no edit; the kind of its record says where it came from.
            meta.imported["kind"] if meta.imported else meta.edit,
            "?" if meta.imported and meta.imported["seconds"] is None else seconds_text(meta.seconds),
            outcome_word(meta.outcome),
        ]
        for meta in metas
    ]
    build_id, seconds = message("id"), message("seconds")
    columns = [
        build_id,
        message("started (UTC)"),
        message("app"),
        message("strategy"),
        message("edit"),
        seconds,
        message("outcome"),
    ]
    print_table("", columns, rows, numbers=[seconds], unbroken=[build_id])
