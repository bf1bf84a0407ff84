"""How far somebody has come with an exercise: one private JSON file per exercise, in the state folder.

The file has a version. An older file is brought up to date as it is read; a newer one, or one that cannot be read, is put aside
under another name and never overwritten.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from speedkit.errors import NO_ROOM, DiskFull, StateRefused
from speedkit.messages import marked, message
from speedkit.state import open_private, private_folder

__all__ = ["Progress", "read_progress", "state_errors", "write_progress"]

VERSION = 2
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: lambda values: values | {"passed_on": ""}}
"""By the version of a file: makes the values of the next version."""
NAME = "progress.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress with one exercise.

    passed: a check has passed. passed_on: the day of the first pass, such as 2026-11-27; "" where it is not known.
    tries: checks that came to an answer. hints: how many hints were read. solution_shown: the reader has seen the solution.
    folder: the name of the working copy beside the file; "" before there is one.
    """

    passed: bool = False
    passed_on: str = ""
    tries: int = 0
    hints: int = 0
    solution_shown: bool = False
    folder: str = ""


def read_progress(folder: Path) -> Progress:
    """The progress in the folder of an exercise. Without a file, it is that of somebody who has not begun."""
    place = folder / NAME
    try:
        document = json.loads(place.read_bytes())
        version = int(document["version"])
        while version in MIGRATIONS:
            document = MIGRATIONS[version](document)
            version += 1
        if version != VERSION:
            raise ValueError(version)
        return Progress(
            passed=bool(document["passed"]),
            passed_on=str(document["passed_on"]),
            tries=int(document["tries"]),
            hints=int(document["hints"]),
            solution_shown=bool(document["solution_shown"]),
            folder=Path(str(document["folder"])).name,
        )
    except FileNotFoundError:
        return Progress()
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        with contextlib.suppress(OSError):
            place.replace(place.with_name(f"{NAME}.put-aside-{os.urandom(3).hex()}"))
        return Progress()


def write_progress(folder: Path, progress: Progress) -> None:
    """Keep the progress in the folder of an exercise, whole or not at all. Raises: DiskFull, StateRefused."""
    draft = folder / f".{NAME}-{os.urandom(6).hex()}"
    with state_errors(marked("The progress cannot be kept in {folder}: {problem}."), folder):
        private_folder(folder)
        try:
            with open_private(draft) as file:
                file.write(json.dumps({"version": VERSION, **asdict(progress)}, indent=1).encode())
            draft.replace(folder / NAME)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def state_errors(text: str, folder: Path) -> Iterator[None]:
    """Raises DiskFull or StateRefused for an OSError in the block. text: `marked`, with places for `folder` and `problem`."""
    try:
        yield
    except OSError as problem:
        kind = DiskFull if problem.errno in NO_ROOM else StateRefused
        raise kind(
            message(text, folder=folder, problem=problem.strerror or problem),
            fix=message("Make room there, or set SPEEDKIT_HOME to another folder."),
        ) from None
