"""The labels and names of this installation's images and containers on an engine.

A label proves nothing: an image that a user builds on one of ours inherits our labels, and so do its containers. An image or
container is ours when `speedkit.engine.ledger` has its id or name. Labels are for people to read, and for reports about
images and containers without a note.
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
"""On every image and container of any installation, and on all images that were built on those."""
INSTALLATION_LABEL = "dev.speedkit.installation"
INSTALLATION = re.compile(r"[0-9a-f]{32}")
CONTAINER_NAME = re.compile(r"/?speedkit-(?P<owner>[0-9a-f]{16})-(?P<number>[0-9a-f]{12})")
UNKNOWN_OWNER = "0" * 16
"""In the name of a container whose process could not write to its state folder: it has no id to check whether it lives."""


def our_labels() -> dict[str, str]:
    """The labels of this installation's images and containers."""
    # The labels are the same for all builds. A label that differs between builds would make a new image for each of them,
    # even without a change in the build context.
    with contextlib.suppress(StateRefused):
        return {LABEL: "1", INSTALLATION_LABEL: installation_id()}
    return {LABEL: "1"}


def container_name(owner: str, number: str) -> str:
    """The name of a container. owner: the `owner_id` of its process, 16 hex digits. number: 12 random hex digits."""
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
        return _read(path) or _new_id(path)
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


def _new_id(path: Path) -> str:
    """A new id, written to the path, or that of another process that makes one at the same moment."""
    draft = path.with_name(f".installation-{os.urandom(8).hex()}")
    name = os.urandom(16).hex()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{name}\n")
    try:
        if path.exists() and _read(path) is None:
            draft.replace(path)  # the file is damaged
            return name
        # Of two processes, the first to link its draft wins: unlike a rename, a link never replaces a file.
        try:
            os.link(draft, path)
        except FileExistsError:
            return _read(path) or name
        except OSError:
            draft.replace(path)  # the file system has no hard links
        return name
    finally:
        draft.unlink(missing_ok=True)
