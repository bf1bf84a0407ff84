"""`speedkit setup`: makes everything that builds need."""

from __future__ import annotations

from typing import Annotated

import typer

from speedkit.messages import message

from .output import ask, say

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    made = message("Make what is missing: an engine, base images, Go. Does nothing that was done before.")
    program.command("setup", help=made)(setup)


def setup(yes: Annotated[bool, typer.Option("--yes", "-y", help=message("Install without asking."))] = False) -> None:
    """Set the machine up, and print each step."""
    from speedkit.setup import run_setup

    run_setup(yes=yes, ask=ask, say=say)
