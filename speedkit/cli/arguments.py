"""Arguments that several verbs share, and what they mean."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speedkit.errors import Misuse
from speedkit.messages import message

if TYPE_CHECKING:
    from speedkit.apps import App

__all__ = [
    "AsJson",
    "BuildArgs",
    "BuilderOption",
    "FileOption",
    "StrategyOption",
    "TargetOption",
    "app_named",
    "parse_build_args",
    "parse_size",
]

AsJson = Annotated[bool, typer.Option("--json", help=message("Print one JSON document."))]
BuildArgs = Annotated[
    list[str] | None,
    typer.Option(
        "--build-arg",
        metavar="K=V",
        help=message("Set a build argument; K alone takes its value from the environment."),
    ),
]
BuilderOption = Annotated[str | None, typer.Option(help=message("A buildx builder in place of the one inside the engine."))]
StrategyOption = Annotated[str | None, typer.Option("-s", "--strategy", help=message("A strategy of the app."))]
FileOption = Annotated[Path | None, typer.Option("-f", "--file", help=message("A Dockerfile."))]
TargetOption = Annotated[str | None, typer.Option(help=message("The stage to build."))]
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|b|kb|mb|gb|kib|mib|gib)", re.IGNORECASE)
UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


def parse_size(text: str) -> int:
    """Bytes from `1500`, `20MB` or `1.5GiB`.

    Raises: typer.BadParameter.
    """
    found = SIZE.fullmatch(text.strip())
    size = float(found[1]) * UNITS[found[2].lower()] if found is not None else math.inf
    if not math.isfinite(size):
        said = message("{text!r} is no size. Write bytes, or a number with kB, MB or GB.", text=text[:40])
        raise typer.BadParameter(said)
    return round(size)


def app_named(folder: Path, strategy: str | None, file: Path | None) -> App:
    """The app in a folder, as it is, with one Dockerfile or with its own strategies.

    Raises: Misuse, NotAFolder, NoDockerfile.
    """
    from speedkit.apps import app_in_place

    if strategy and file:
        raise Misuse(message("A strategy and a Dockerfile were given."), fix=message("Give -s or -f, not both."))
    return app_in_place(folder, dockerfile=file)


def parse_build_args(given: list[str] | None) -> dict[str, str]:
    """`K=V` pairs as a dictionary; a `K` alone has the value that the environment gives it, which no `ps` shows.

    Raises: Misuse for one that has no value.
    """
    pairs = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not name or (not equals and name not in os.environ):
            raise Misuse(
                message("The build argument {argument!r} has no value.", argument=pair),
                fix=message(
                    "Write --build-arg NAME=VALUE, or set the variable NAME, which nobody sees, and write --build-arg NAME."
                ),
            )
        pairs[name] = value if equals else os.environ[name]
    return pairs
