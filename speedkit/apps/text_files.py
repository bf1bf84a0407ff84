"""The text files of a folder: read and written only inside of the folder, and only when they are UTF-8 text."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from speedkit.errors import FileRefused
from speedkit.folder_walk import walk_folder
from speedkit.messages import message
from speedkit.ownership import claimed
from speedkit.regular_file import NotReadable, kind_in_words, open_regular, read_regular

__all__ = [
    "LARGEST_BYTES",
    "entry_inside",
    "file_names_below",
    "inside",
    "is_text",
    "put_in_place",
    "read_text",
    "text_files",
    "write_bytes",
    "write_text",
]

LARGEST_BYTES = 1_000_000
LISTED_AT_MOST = 500
NOT_LISTED = frozenset({".git", "node_modules", "__pycache__", ".venv"})
"""Folders that tools keep for themselves."""


def inside(folder: Path, name: str) -> Path:
    """The path of a file in a folder.

    Raises: FileRefused when the name leads out of the folder, be it by `..` or by a link.
    """
    path = folder / PurePosixPath(name)
    try:
        within = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as problem:
        raise FileRefused(
            message("{name!r} cannot name a file: {problem}.", name=name, problem=problem),
            fix=message("Name a file inside the app's folder."),
        ) from None
    if not within:
        raise FileRefused(message("{name!r} leads out of the app's folder.", name=name), fix=message("Name a file inside it."))
    return path


def entry_inside(folder: Path, name: str) -> Path:
    """The path of a file or link in a folder; the last part of the name is not followed when it is a link.

    Raises: FileRefused when the name leads out of the folder.
    """
    pure = PurePosixPath(name)
    if pure.name in ("", ".."):
        raise FileRefused(
            message("{name!r} does not name a file.", name=name), fix=message("Name a file inside the app's folder.")
        )
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
    """The text of a file.

    Raises: FileRefused when it is missing, not text, larger than a megabyte, or outside of the folder.
    """
    path = inside(folder, name)
    try:
        data = read_regular(path, at_most_bytes=LARGEST_BYTES)
    except NotReadable as problem:
        if problem.errno == errno.EFBIG:
            size = path.stat().st_size
            raise FileRefused(
                message("{name} has {megabytes:.1f} MB.", name=name, megabytes=size / 1e6),
                fix=message("Files of at most 1 MB can be edited here."),
            ) from None
        raise FileRefused(
            message("{name} cannot be read: {problem}.", name=name, problem=problem.strerror),
            fix=message("Name a file that holds text."),
        ) from None
    except OSError as problem:
        raise FileRefused(
            message("{name} cannot be read: {problem}.", name=name, problem=problem.strerror), fix=message("Make it readable.")
        ) from None
    if not is_text(data):
        raise FileRefused(message("{name} is not text.", name=name), fix=message("Only UTF-8 text can be edited here."))
    return data.decode("utf-8")


def write_text(folder: Path, name: str, text: str) -> None:
    """Write a text file with a newer modification time.

    Raises: FileRefused when the text is too large or not text, or when the file is outside of the folder or cannot be written.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise FileRefused(
            message("{name} would not be text: a character in it is cut in half.", name=name),
            fix=message("Type the character again."),
        ) from None
    if len(data) > LARGEST_BYTES:
        raise FileRefused(
            message("{name} would have {megabytes:.1f} MB.", name=name, megabytes=len(data) / 1e6),
            fix=message("Files of at most 1 MB can be edited here."),
        )
    write_bytes(folder, name, data)


def write_bytes(folder: Path, name: str, data: bytes) -> None:
    """Write a file whole or not at all, with a newer modification time and the same permissions.

    Raises: FileRefused when it is outside of the folder, no regular file, or cannot be written.
    """
    path = inside(folder, name)
    try:
        target = Path(os.path.realpath(path))  # a link inside of the folder stays a link
        before = _status_of_regular_file(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the folder: in it, a build that begins now would get the half-written file.
        with claimed(folder.with_name(f".{folder.name}-{os.urandom(6).hex()}")) as unfinished:
            try:
                unfinished.write_bytes(data)
                if before is not None:
                    unfinished.chmod(before.st_mode & 0o777)
                move_time_forward(unfinished, before.st_mtime_ns if before else 0)
                put_in_place(unfinished, target)
            finally:
                unfinished.unlink(missing_ok=True)
    except OSError as problem:
        raise FileRefused(
            message("{name} cannot be written: {problem}.", name=path.name, problem=problem.strerror),
            fix=message("Check its permissions, and the free space of the disk."),
        ) from None


def put_in_place(written: Path, target: Path) -> None:
    """Move a written file to its path, also into a read-only folder. Raises: OSError."""
    try:
        written.replace(target)
    except PermissionError:
        # A copy of a read-only folder is read-only, too, because BuildKit's cache key has the permissions of folders.
        permissions = target.parent.stat().st_mode & 0o777
        target.parent.chmod(permissions | 0o700)
        try:
            written.replace(target)
        finally:
            target.parent.chmod(permissions)


def _status_of_regular_file(path: Path) -> os.stat_result | None:
    """The `lstat` of a file; None when there is no file. Raises: NotReadable for a pipe, a folder and so on."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise NotReadable(path, message("It is {kind}, not a file", kind=kind_in_words(status.st_mode)))
    return status


def move_time_forward(path: Path, before_ns: int) -> None:
    """Set the modification time of a file to now, and at least a millisecond later than before."""
    # BuildKit takes a file with the same size, mode and time for unchanged: two edits of equal size within one tick of a clock
    # would give a stale cache hit (docs/buildkit-cache-rules.md, "What BuildKit does not notice").
    now = max(time.time_ns(), before_ns + 1_000_000)
    os.utime(path, ns=(now, now))


def text_files(folder: Path) -> tuple[str, ...]:
    """Names of the text files in a folder, at most 500, outer folders first; without files over 1 MB and `NOT_LISTED`."""
    names = []
    for name in regular_files(folder):
        if is_text(_first_bytes(folder / name)):
            names.append(name)
        if len(names) >= LISTED_AT_MOST:
            break
    return tuple(names)


def regular_files(folder: Path) -> Iterator[str]:
    """Names of the regular files of at most 1 MB in a folder, outer folders first."""
    for name in file_names_below(folder):
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_BYTES:
            yield name


def file_names_below(folder: Path) -> Iterator[str]:
    """Names of all below a folder except folders, links to folders, and `NOT_LISTED`; outer folders first."""
    for within, entries in walk_folder(folder, skipped=NOT_LISTED):
        for entry in entries:
            if not (entry.is_symlink() and os.path.isdir(entry.path)):  # noqa: PTH112
                yield within + entry.name


def _first_bytes(path: Path) -> bytes:
    """The first 8 KiB of a file, without a character that is cut at their end; no text when the file cannot be read."""
    try:
        descriptor, _ = open_regular(path)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            data = file.read(8192)
    except OSError:
        return b"\0"
    return data.decode("utf-8", "ignore").encode() if len(data) == 8192 else data
