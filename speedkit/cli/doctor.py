"""`speedkit doctor`: checks everything that builds need."""

from __future__ import annotations

import typer

from speedkit.messages import message

from .arguments import AsJson
from .output import print_json, print_table

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    checked = message("Check everything that builds need, and say what to type where something is missing.")
    program.command("doctor", help=checked)(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Print a row per check. Exit with 1 if something is missing."""
    from speedkit import setup as setting_up

    report = setting_up.doctor()
    if as_json:
        print_json(report.to_json())
    else:
        rows = [
            ["✓" if check.ok else "✗" if check.needed else "!", check.shown_name, check.result, "" if check.ok else check.fix]
            for check in report.checks
        ]
        print_table("", ["", message("check"), message("found"), message("what to do")], rows)
    if not report.ready:
        raise typer.Exit(1)
