"""The text files of a folder, read and written with care: nothing outside of it, nothing that is not text."""

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


def inside(folder: Path, name: str) -> Path:
    """The path of a file in a folder.

    Raises: FileRefused when the name leads out of the folder, also by a link.
    """
    path = folder / PurePosixPath(name)
    try:
        within = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as problem:
        raise FileRefused(message("{name!r} cannot name a file: {problem}.", name=name, problem=problem)) from None
    if not within:
        raise FileRefused(message("{name!r} leads out of the app's folder.", name=name), fix=message("Name a file inside it."))
    return path


def entry_inside(folder: Path, name: str) -> Path:
    """The path of a file or link in a folder, the link itself and not where it leads.

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
    """A file's text.

    Raises: FileRefused when it is missing, not text, larger than a megabyte, or outside.
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
        raise FileRefused(message("{name} cannot be read: {problem}.", name=name, problem=problem.strerror)) from None
    if not is_text(data):
        raise FileRefused(message("{name} is not text.", name=name), fix=message("Only UTF-8 text can be edited here."))
    return data.decode("utf-8")


def write_text(folder: Path, name: str, text: str) -> None:
    """Write a file, moving its time of change forward.

    BuildKit compares size and time before it reads: a file written twice within the clock's step with equal size would
    give a stale hit.
    Raises: FileRefused when it is too large, not text, outside, or cannot be written.
    """
    data = _encoded(name, text)
    if len(data) > LARGEST_BYTES:
        raise FileRefused(
            message("{name} would have {megabytes:.1f} MB.", name=name, megabytes=len(data) / 1e6),
            fix=message("Files of at most 1 MB can be edited here."),
        )
    write_bytes(folder, name, data)


def write_bytes(folder: Path, name: str, data: bytes) -> None:
    """Write a file of a folder whole or not at all, moving its time of change forward; its permissions stay.

    Raises: FileRefused when it is outside, no regular file, or cannot be written.
    """
    path = inside(folder, name)
    try:
        place = Path(os.path.realpath(path))  # a link to a file of the folder stays one
        before = _status_of_regular(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Beside the folder: inside it, a build that begins now would be sent the half.
        with claimed(folder.with_name(f".{folder.name}-{os.urandom(6).hex()}")) as unfinished:
            try:
                unfinished.write_bytes(data)
                if before is not None:
                    unfinished.chmod(before.st_mode & 0o777)
                move_time_forward(unfinished, before.st_mtime_ns if before else 0)
                put_in_place(unfinished, place)
            finally:
                unfinished.unlink(missing_ok=True)
    except OSError as problem:
        raise FileRefused(message("{name} cannot be written: {problem}.", name=path.name, problem=problem.strerror)) from None


def put_in_place(unfinished: Path, place: Path) -> None:
    """Give a finished file the name of another, or a new one. Raises: OSError."""
    try:
        unfinished.replace(place)
    except PermissionError:
        # A copy of a folder that nobody may write to is one, too: its permissions count for BuildKit.
        permissions = place.parent.stat().st_mode & 0o777
        place.parent.chmod(permissions | 0o700)
        try:
            unfinished.replace(place)
        finally:
            place.parent.chmod(permissions)


def _status_of_regular(path: Path) -> os.stat_result | None:
    """What `os.stat` says of a file; None when there is none. Raises: NotReadable for a pipe, a folder and the like."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise NotReadable(path, message("It is {kind}, not a file", kind=kind_in_words(status.st_mode)))
    return status


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise FileRefused(
            message("{name} would not be text: it holds half of a character.", name=name),
            fix=message("Type the character again."),
        ) from None


def move_time_forward(path: Path, before_ns: int) -> None:
    """Give a file a time of change later than the one it had."""
    now = max(time.time_ns(), before_ns + 1_000_000)
    os.utime(path, ns=(now, now))


def text_files(folder: Path) -> tuple[str, ...]:
    """Names of the folder's text files, sorted, at most 500; too large ones and what tools keep for themselves left out."""
    found = []
    for name in regular_files(folder):
        if is_text(_beginning(folder / name)):
            found.append(name)
        if len(found) >= LISTED_AT_MOST:
            break
    return tuple(found)


def regular_files(folder: Path) -> Iterator[str]:
    """Names of the folder's files that can be opened for editing, outer ones first: no larger ones, pipes or devices."""
    for name in file_names_below(folder):
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_BYTES:
            yield name


def file_names_below(folder: Path) -> Iterator[str]:
    """Names of all below a folder but folders and links to them, in order; without what tools keep for themselves."""
    for within, entries in walk_folder(folder, skipped=NOT_LISTED):
        for entry in entries:
            if not (entry.is_symlink() and os.path.isdir(entry.path)):  # noqa: PTH112
                yield within + entry.name


def _beginning(path: Path) -> bytes:
    """The first kilobytes of a file, not cut inside a character."""
    try:
        descriptor, _ = open_regular(path)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            data = file.read(8192)
    except OSError:
        return b"\0"
    return data.decode("utf-8", "ignore").encode() if len(data) == 8192 else data
