"""Asks buildx about builders. No question waits longer than `ANSWER_SECONDS`."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from speedkit.engine import Engine, run_child
from speedkit.errors import NoBuildKit
from speedkit.messages import message

__all__ = ["builder_names", "built_references", "driver_of", "export_records", "inspect_builder", "is_reachable"]

ANSWER_SECONDS = 5.0
"""How long buildx may take to describe a builder. It dials every node, and gives up on a dead one only after 20 seconds."""
DRIVER = re.compile(r"^Driver:\s*(\S+)", re.MULTILINE)
REMOTE = "remote"
"""The driver of a builder that buildx only talks to: it neither starts nor stops it."""
RUNNING_NODE = re.compile(r"^Status:\s*running\b", re.MULTILINE)


def inspect_builder(engine: Engine, name: str) -> subprocess.CompletedProcess[str]:
    """What `docker buildx inspect` says of a builder.

    Raises: TimeoutExpired for a builder that does not answer, NoBuildKit.
    """
    return _buildx(engine, "inspect", "--", name)


def driver_of(inspected: subprocess.CompletedProcess[str]) -> str | None:
    """The driver in what `inspect_builder` gave, such as `docker-container`."""
    driver = DRIVER.search(inspected.stdout)
    return None if driver is None else driver[1]


def is_reachable(engine: Engine, name: str) -> bool:
    """Whether the builder answers now; one that buildx cannot describe in five seconds does not.

    Of a builder on another machine, a node must run. One in a container may not have started yet: buildx starts it itself.
    """
    try:
        inspected = inspect_builder(engine, name)
    except (subprocess.TimeoutExpired, NoBuildKit):
        return False
    if driver_of(inspected) != REMOTE:
        return inspected.returncode == 0
    return RUNNING_NODE.search(inspected.stdout) is not None


def builder_names(engine: Engine) -> list[str]:
    """The names of all builders; none where one of them is dead, since buildx dials all of them for the list."""
    try:
        lines = _buildx(engine, "ls", "--format={{.Name}}").stdout.splitlines()
    except subprocess.TimeoutExpired:
        return []
    # A builder has a line for each of its nodes as well.
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


def built_references(engine: Engine, name: str) -> list[str]:
    """The names of the ended builds in a builder's history, the newest first; none where buildx is too old to have one.

    Raises: TimeoutExpired for a builder that does not answer, NoBuildKit.
    """
    entries = _buildx(engine, "history", "ls", "--format=json", f"--builder={name}")
    references = []
    for line in entries.stdout.splitlines():
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            record = json.loads(line)
            if record["completed_at"]:
                # `BUILDER/NODE/REFERENCE`
                references.append(record["ref"].rpartition("/")[2])
    return references


def export_records(engine: Engine, name: str, references: Sequence[str], file: Path) -> bool:
    """Write the records of some builds into a `.dockerbuild` file. Out: whether buildx did it.

    Raises: TimeoutExpired for a builder that does not answer, NoBuildKit.
    """
    return _buildx(engine, "history", "export", f"--builder={name}", f"--output={file}", *references).returncode == 0


def _buildx(engine: Engine, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return run_child([str(engine.buildx), *arguments], env=engine.environment, limit_seconds=ANSWER_SECONDS)
    except OSError as problem:
        sentence = message("buildx could not be started: {problem}.", problem=problem.strerror or problem)
        raise NoBuildKit(sentence, fix=message("Check whether {path} can be run.", path=engine.buildx)) from None
