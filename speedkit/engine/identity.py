"""Whose an object on an engine is: the labels and names that tell this installation's from everybody else's.

A label does not prove it: an image that somebody builds on one of ours inherits our labels, and so does a container that
they run of it. So images and containers are ours when `speedkit.engine.ledger` holds their id or their name. The labels are
for people to read, and to name what the ledger does not have.
"""

from __future__ import annotations

import contextlib
import os
import re
from functools import lru_cache
from pathlib import Path

from speedkit.errors import StateRefused
from speedkit.messages import message
from speedkit.state import state_folder

__all__ = ["CONTAINER_NAME", "INSTALLATION_LABEL", "LABEL", "UNKNOWN_OWNER", "container_name", "installation_id", "our_labels"]

LABEL = "dev.speedkit"
"""On every image and container that any installation made, and on all that was built on those."""
INSTALLATION_LABEL = "dev.speedkit.installation"
INSTALLATION = re.compile(r"[0-9a-f]{32}")
CONTAINER_NAME = re.compile(r"/?speedkit-(?P<owner>[0-9a-f]{16})-(?P<number>[0-9a-f]{12})")
UNKNOWN_OWNER = "0" * 16
"""In the name of a container whose process could not write to its state folder: nobody can tell whether that process lives."""


def our_labels() -> dict[str, str]:
    """What images and containers of this installation are labelled with.

    The same for all builds: a label of the build's own would give a build without a change another image each time.
    Where the state folder cannot be written to, there is no installation to name.
    """
    with contextlib.suppress(StateRefused):
        return {LABEL: "1", INSTALLATION_LABEL: installation_id()}
    return {LABEL: "1"}


def container_name(owner: str, number: str) -> str:
    """The name of a container that a process makes. number: 12 random digits."""
    return f"speedkit-{owner}-{number}"


def installation_id() -> str:
    """The random name of this installation, the same for as long as its state folder exists.

    Raises: StateRefused.
    """
    return _installation_of(state_folder())


@lru_cache(maxsize=8)
def _installation_of(home: Path) -> str:
    path = home / "installation"
    try:
        return _read(path) or _made(path)
    except OSError as problem:
        raise StateRefused(
            message("The state folder {home} cannot be used: {problem}.", home=home, problem=problem.strerror),
            fix=message("Make room there, or set SPEEDKIT_HOME to a folder that you may write to."),
        ) from None


def _read(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    return text if INSTALLATION.fullmatch(text) else None


def _made(path: Path) -> str:
    """A new name, or that of another process which makes one at this moment: the first to link its file wins."""
    draft = path.with_name(f".installation-{os.urandom(8).hex()}")
    name = os.urandom(16).hex()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{name}\n")
    try:
        if path.exists() and _read(path) is None:
            draft.replace(path)  # a damaged one
            return name
        try:
            os.link(draft, path)
        except FileExistsError:
            return _read(path) or name
        except OSError:
            draft.replace(path)  # a file system without links
        return name
    finally:
        draft.unlink(missing_ok=True)
