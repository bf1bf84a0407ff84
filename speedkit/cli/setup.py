"""`speedkit setup`: makes everything that builds need, for the kit's own lessons or for a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speedkit.messages import message

from .arguments import AsJson, BaseOption, parse_bases
from .output import ask, print_json, print_text, say

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    made = message("Make what is missing: an engine, base images, Go. Does nothing that was done before.")
    with_project = message(
        "With --for, the base images are those that the Dockerfiles in PATH name. What no registry hands out gets a stand-in, "
        "made of packages: of the asked version where a package registry has it. Exit with 1 if an image cannot be had."
    )
    program.command("setup", help=f"{made}\n\n{with_project}")(setup)


def setup(
    yes: Annotated[bool, typer.Option("--yes", "-y", help=message("Install without asking."))] = False,
    project: Annotated[
        Path | None, typer.Option("--for", metavar="PATH", help=message("A project's folder, or one Dockerfile."))
    ] = None,
    base: BaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Set the machine up, and print each step."""
    from speedkit.setup import get_project_bases, run_setup

    engine = run_setup(yes=yes, ask=ask, say=say, with_bases=project is None)
    if project is None:
        return
    bases = get_project_bases(engine, project, parse_bases(base), say)
    if as_json:
        print_json({"bases": [one.to_json() for one in bases]})
    else:
        for one in bases:
            print_text(one.sentence)
    if any(one.state == "missing" for one in bases):
        raise typer.Exit(1)
