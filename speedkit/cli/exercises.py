"""`speedkit exercises`: the exercises of the lessons with the reader's progress, and a check of one of them."""

from __future__ import annotations

from typing import Annotated

import typer

from speedkit.messages import message

from .arguments import AsJson
from .output import live_line, print_json, print_sentence, print_table, print_text

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    program.command("exercises", help=message("List the exercises with your progress, or check one of them by real builds."))(
        exercises
    )


def exercises(
    check: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=message("Check this exercise: exit with 1 if it is not solved yet.")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a row per exercise, or the verdict on one."""
    if check is not None:
        _check(check, as_json=as_json)
        return
    from speedkit.checked_exercises import exercises, lesson_words, progress_words

    every = exercises()
    if as_json:
        print_json(every.to_json())
        return
    minutes, name = message("minutes"), message("exercise")
    rows = [[one.name, lesson_words(one.lesson), one.title, str(one.minutes), progress_words(one.progress)] for one in every]
    columns = [name, message("lesson"), message("title"), minutes, message("progress")]
    print_table("", columns, rows, numbers=[minutes], unbroken=[name])


def _check(name: str, *, as_json: bool) -> None:
    from speedkit.checked_exercises import exercise

    one = exercise(name)
    with live_line() as show:
        running = one.start_check(on_begin=show)
        verdict = one.finish_check(running)
    if as_json:
        print_json({"name": one.name, "folder": str(one.folder), **verdict.to_json()})
    else:
        for finding in verdict.findings:
            print_text(f"{'✓' if finding.ok else '✗'} {finding.sentence}")
        print_sentence(
            message("Passed.") if verdict.passed else message("Not yet. Your files are in {folder}.", folder=one.folder)
        )
    if not verdict.passed:
        raise typer.Exit(1)
