"""`speedkit explain`: the reason why each step of a recorded build was cached or ran."""

from __future__ import annotations

from typing import Annotated

import typer

from speedkit.messages import message

from .arguments import AsJson
from .printed_reasons import print_reasons

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    program.command("explain", help=message("Say why each step of a finished build was cached or ran."))(explain)


def explain(
    build_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help=message("A build of `speedkit history`; the newest by default."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the reason of each step of a finished build."""
    from speedkit.history import explain as explanation

    print_reasons(explanation(build_id), "state", as_json=as_json)
