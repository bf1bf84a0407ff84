"""`speedkit import`: builds that were made elsewhere, from their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.messages import message, plural

from .arguments import AsJson, BuilderOption
from .output import print_json, print_table, print_text, say, say_problem

if TYPE_CHECKING:
    from speedkit.build_records import ImportedBuild, ImportedRecords

__all__ = ["register"]

MOST_PLACES = 5


def register(program: typer.Typer) -> None:
    records = message("Read builds that were made elsewhere: `.dockerbuild` files, logs of CI, folders and zips of them.")
    program.command("import", help=records)(import_)


def import_(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH…",
            help=message("Files, folders, zips; - is the standard input. Without a path: the history of the builder."),
        ),
    ] = None,
    builder: BuilderOption = None,
    as_json: AsJson = False,
) -> None:
    """Keep each build as a recording. Exit with 1 when there is none, with 3 when a file cannot be read."""
    from speedkit.build_records import import_records
    from speedkit.history import import_history

    read = import_records(*paths) if paths else import_history(builder)
    if as_json:
        print_json({"imported": [_document(build) for build in read.builds]})
    elif read.builds:
        _print(read)
    for problem in read.problems:
        say_problem(problem.what_visible, problem.fix)
    for name in read.without_builds:
        say(message("{file} has no build in it.", file=name))
    if read.problems:
        raise typer.Exit(3)
    if not read.builds:
        raise typer.Exit(1)


def _document(build: ImportedBuild) -> dict[str, Any]:
    return {
        "id": build.id,
        "kind": build.kind,
        "source": build.source,
        "steps": build.steps,
        "cached_steps": build.cached_steps,
        "seconds": None if build.seconds is None else round(build.seconds, 3),
        "not_understood": [{"line": place.line, "text": place.text} for place in build.not_understood],
    }


def _print(read: ImportedRecords) -> None:
    from speedkit.words import seconds_text

    shares = {cost.id: cost.cached_share for cost in read.costs}
    rows = [
        [
            build.id.partition("-")[0],
            build.kind,
            build.source,
            build.steps,
            build.cached_steps,
            _percent(shares[build.id]),
            "?" if build.seconds is None else seconds_text(build.seconds),
        ]
        for build in read.builds
    ]
    build_id, steps, cached, seconds = message("id"), message("steps"), message("cached"), message("seconds")
    share = message("of those that can be")
    columns = [build_id, message("kind"), message("source"), steps, cached, share, seconds]
    print_table("", columns, rows, numbers=[steps, cached, share, seconds], unbroken=[build_id])
    if (slower := read.slower_step) is not None:
        before, after = seconds_text(slower.before_seconds), seconds_text(slower.after_seconds)
        print_text(
            message(
                "Got slower: {step}, {before} in the first half of the builds, {after} in the second.",
                step=slower.text,
                before=before,
                after=after,
            )
        )
    # Figures of a part look like those of a whole.
    for build in read.builds:
        for notice in build.recording.meta.notices:
            print_text(message("{source}: {notice}", source=build.source, notice=notice))
    for build in read.builds:
        if not build.not_understood:
            continue
        count = len(build.not_understood)
        print_text(
            plural(
                "{count:,} line of {source} was not understood:",
                "{count:,} lines of {source} were not understood:",
                count,
                source=build.source,
            ),
            *(
                message("  line {line}: {text}", line=place.line, text=place.text)
                for place in build.not_understood[:MOST_PLACES]
            ),
        )


def _percent(share: float | None) -> str:
    """A share; of a record without a step that can be cached, nothing is known, which is not 0 %."""
    return "?" if share is None else f"{round(100 * share)} %"
