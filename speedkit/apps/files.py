"""The text files of a folder, read and written with care: nothing outside of it, nothing that is not text."""

from __future__ import annotations

import os
import time
from pathlib import Path, PurePosixPath

from speedkit.errors import FileRefused

__all__ = ["LARGEST_BYTES", "entry_inside", "inside", "is_text", "read_text", "text_files", "write_bytes", "write_text"]

LARGEST_BYTES = 1_000_000
LISTED_AT_MOST = 500
NOT_LISTED = frozenset({".git", "node_modules", "__pycache__", ".venv"})


def inside(folder: Path, name: str) -> Path:
    """The path of a file in a folder.

    Raises: FileRefused when the name leads out of the folder, also by a link.
    """
    path = folder / PurePosixPath(name)
    try:
        within = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as problem:
        raise FileRefused(f"{name!r} cannot name a file: {problem}.") from None
    if not within:
        raise FileRefused(f"{name!r} leads out of the app's folder.", fix="Name a file inside it.")
    return path


def entry_inside(folder: Path, name: str) -> Path:
    """The path of a file or link in a folder, the link itself and not where it leads.

    Raises: FileRefused when the name leads out of the folder.
    """
    pure = PurePosixPath(name)
    if pure.name in ("", ".."):
        raise FileRefused(f"{name!r} does not name a file.", fix="Name a file inside the app's folder.")
    return inside(folder, str(pure.parent)) / pure.name


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8 text without NUL."""
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def read_text(folder: Path, name: str) -> str:
    """A file's text.

    Raises: FileRefused when it is missing, not text, larger than a megabyte, or outside.
    """
    path = inside(folder, name)
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise FileRefused(f"{name} has {size / 1e6:.1f} MB.", fix="Files of at most 1 MB can be edited here.")
        data = path.read_bytes()
    except OSError as problem:
        raise FileRefused(f"{name} cannot be read: {problem.strerror}.") from None
    if not is_text(data):
        raise FileRefused(f"{name} is not text.", fix="Only UTF-8 text can be edited here.")
    return data.decode("utf-8")


def write_text(folder: Path, name: str, text: str) -> None:
    """Write a file, moving its time of change forward.

    BuildKit compares size and time before it reads: a file written twice within the clock's step with equal size would
    give a stale hit.
    Raises: FileRefused when it is too large, not text, outside, or cannot be written.
    """
    path = inside(folder, name)
    data = _encoded(name, text)
    if len(data) > LARGEST_BYTES:
        raise FileRefused(f"{name} would have {len(data) / 1e6:.1f} MB.", fix="Files of at most 1 MB can be edited here.")
    write_bytes(path, data)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, moving its time of change forward. Raises: FileRefused."""
    try:
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        move_time_forward(path, before)
    except OSError as problem:
        raise FileRefused(f"{path.name} cannot be written: {problem.strerror}.") from None


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise FileRefused(f"{name} would not be text: it holds half of a character.", fix="Type the character again.") from None


def move_time_forward(path: Path, before_ns: int) -> None:
    """Give a file a time of change later than the one it had."""
    now = max(time.time_ns(), before_ns + 1_000_000)
    os.utime(path, ns=(now, now))


def text_files(folder: Path) -> tuple[str, ...]:
    """Names of the folder's text files, sorted, at most 500; too large ones and what tools keep for themselves left out."""
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_LISTED)
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file() and path.stat().st_size <= LARGEST_BYTES and is_text(_beginning(path)):
                found.append(path.relative_to(folder).as_posix())
            if len(found) >= LISTED_AT_MOST:
                return tuple(found)
    return tuple(found)


def _beginning(path: Path) -> bytes:
    """The first kilobytes of a file, not cut inside a character."""
    try:
        with path.open("rb") as file:
            data = file.read(8192)
    except OSError:
        return b"\0"
    return data.decode("utf-8", "ignore").encode() if len(data) == 8192 else data
