"""Arguments that several verbs share, and their parsers."""

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
    match = SIZE.fullmatch(text.strip())
    size = float(match[1]) * UNITS[match[2].lower()] if match is not None else math.inf
    if not math.isfinite(size):
        raise typer.BadParameter(message("{text!r} is not a size. Write bytes, or a number with kB, MB or GB.", text=text[:40]))
    return round(size)


def app_named(folder: Path, strategy: str | None, file: Path | None) -> App:
    """The app in a folder, used in place, with one Dockerfile or with its own strategies.

    Raises: Misuse, NotAFolder, NoDockerfile.
    """
    from speedkit.apps import app_in_place

    if strategy and file:
        raise Misuse(message("The command has both a strategy and a Dockerfile."), fix=message("Give -s or -f, not both."))
    return app_in_place(folder, dockerfile=file)


def parse_build_args(options: list[str] | None) -> dict[str, str]:
    """`K=V` pairs as a dictionary. A `K` alone gets its value from the environment, which `ps` does not show.

    Raises: Misuse for a build argument without a value.
    """
    pairs = {}
    for pair in options or []:
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
