"""Finds the records at a path, and recognises each by its content: files, folders, zips, and the standard input.

In: a path, or `-`. Out: a `RecordFile` for each file that holds builds, or that cannot be read. Names and endings count for
nothing: GitHub wraps the uploads of its actions in a zip, browsers rename downloads, and a log may be compressed.

Files are only read, from their beginning to their end. The standard input goes to a temporary file first, because the kind of
a log shows only where its first build begins.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from speedkit.errors import BuildRecordError, Misuse, SpeedkitError
from speedkit.folder_walk import walk_folder
from speedkit.images import ByteStream, archive_members, source_on_disk
from speedkit.messages import message
from speedkit.ownership import scratch_folder
from speedkit.regular_file import open_regular

from .dockerbuild import read_dockerbuild
from .foreign_build import ForeignBuild
from .other_builders import other_builder
from .rawjson_file import read_rawjson_file
from .text_log import read_text_log

__all__ = ["STANDARD_INPUT", "RecordFile", "read_records"]

STANDARD_INPUT = "-"
TEXT_BYTES_AT_MOST = 4 << 30
"""Of one log, unpacked. Logs of CI systems are limited to some megabytes, and 500 MB are read in some seconds."""
BOMB_BYTES, BOMB_TIMES = 100 << 20, 250
"""What unpacks to more bytes and to more times its size is no log: repetitive ones are packed to a fiftieth."""
ZIP_MEMBERS_AT_MOST = 10_000
ZIP_BYTES_AT_MOST = 4 << 30
ZIP_DEPTH_AT_MOST = 2
CHUNK_BYTES = 1 << 20
OCI_MARK = "oci-layout"
SKIPPED_FOLDERS = frozenset({".git", "node_modules", ".venv"})
GZIP, ZSTD, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
TAR_MARK, TAR_MARK_AT = b"ustar", 257

Reader = Callable[[BinaryIO], "tuple[ForeignBuild, ...]"]


@dataclass(frozen=True, slots=True)
class RecordFile:
    """One file, by the name to show, with the builds of its records.

    problem: why it cannot be read; None where it can. A file that has neither builds nor a problem is no record of a build.
    """

    name: str
    builds: tuple[ForeignBuild, ...] = field(default=(), repr=False)
    problem: BuildRecordError | None = None


@dataclass(frozen=True, slots=True)
class _File:
    """A file to read, on the disk or in a zip.

    open: gives its bytes, from the beginning, each time. stored_bytes: its size on the disk, or packed in the zip.
    """

    name: str
    open: Callable[[], BinaryIO]
    stored_bytes: int

    @property
    def bytes_at_most(self) -> int:
        """The bytes that are read of it, unpacked."""
        return min(TEXT_BYTES_AT_MOST, max(BOMB_BYTES, BOMB_TIMES * self.stored_bytes))


def read_records(path: str | os.PathLike[str]) -> Iterator[RecordFile]:
    """Each file of a path, as it is read. path: a file, a folder, a zip; `-` is the standard input.

    Raises: Misuse for a path that does not exist.
    """
    if os.fspath(path) == STANDARD_INPUT:
        with _standard_input() as spooled:
            yield from _files_of(spooled)
        return
    place = Path(os.path.expanduser(path))  # noqa: PTH111 (leaves the home of an unknown user as it is)
    if not place.exists():
        raise Misuse(
            message("{path} does not exist.", path=place), fix=message("Name a log, a `.dockerbuild` file or a folder.")
        )
    if not place.is_dir():
        yield from _files_of(_on_disk(place, str(place)))
    elif (place / OCI_MARK).is_file():
        yield _read(str(place), lambda: _read_folder(place))
    else:
        for within, entries in walk_folder(place, skipped=SKIPPED_FOLDERS):
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield from _files_of(_on_disk(Path(entry.path), str(place / within / entry.name)))


@contextmanager
def _standard_input() -> Iterator[_File]:
    with scratch_folder() as scratch:
        spooled = scratch / "input"
        left_bytes = TEXT_BYTES_AT_MOST
        with spooled.open("wb") as out:
            while chunk := sys.stdin.buffer.read(CHUNK_BYTES):
                left_bytes -= len(chunk)
                if left_bytes < 0:
                    raise _too_large(TEXT_BYTES_AT_MOST)
                out.write(chunk)
        yield _on_disk(spooled, message("the standard input"))


def _on_disk(path: Path, name: str) -> _File:
    def opened() -> BinaryIO:
        descriptor, _ = open_regular(path)
        return os.fdopen(descriptor, "rb")

    try:
        return _File(name, opened, path.stat().st_size)
    except OSError:
        return _File(name, opened, 0)


def _files_of(file: _File, depth: int = 0) -> Iterator[RecordFile]:
    """The file itself, or the members of a zip."""
    try:
        with file.open() as stream:
            start = stream.read(512)
    except OSError as problem:
        yield RecordFile(file.name, problem=_unreadable(file.name, problem.strerror or str(problem)))
        return
    # An empty zip begins with other bytes, and holds nothing to read.
    if not start.startswith(ZIP):
        yield _read(file.name, lambda: _read_file(file, start))
    elif depth == ZIP_DEPTH_AT_MOST:
        yield RecordFile(file.name, problem=_unreadable(file.name, message("it is a zip in a zip in a zip")))
    else:
        yield from _zip_members(file, depth)


def _zip_members(file: _File, depth: int) -> Iterator[RecordFile]:
    try:
        with file.open() as stream, zipfile.ZipFile(stream) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > ZIP_MEMBERS_AT_MOST or sum(member.file_size for member in members) > ZIP_BYTES_AT_MOST:
                yield RecordFile(file.name, problem=_unreadable(file.name, _too_large(ZIP_BYTES_AT_MOST).what))
                return
            for member in members:
                name = message("{member} in {file}", member=member.filename, file=file.name)
                yield from _files_of(_in_zip(archive, member, name), depth + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as problem:
        # RuntimeError: the members are encrypted. NotImplementedError: a way of packing that Python does not have.
        yield RecordFile(file.name, problem=_unreadable(file.name, str(problem)))


def _in_zip(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> _File:
    def opened() -> BinaryIO:
        # Its header says how many bytes it has, and Python reads no more.
        return cast("BinaryIO", archive.open(member))

    return _File(name, opened, member.compress_size)


def _read(name: str, read: Callable[[], tuple[ForeignBuild, ...]]) -> RecordFile:
    try:
        return RecordFile(name, read())
    except SpeedkitError as problem:
        # `what` names no file yet: the readers see streams.
        return RecordFile(
            name, problem=BuildRecordError(message("{file}: {problem}", file=name, problem=problem.what), fix=problem.fix)
        )
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError) as problem:
        return RecordFile(name, problem=_unreadable(name, str(problem)))


def _read_folder(folder: Path) -> tuple[ForeignBuild, ...]:
    with source_on_disk(folder).members() as members:
        return read_dockerbuild(members)


def _read_file(file: _File, start: bytes) -> tuple[ForeignBuild, ...]:
    # A log may be compressed as well, so only the unpacked beginning tells the two apart.
    if start.startswith(GZIP):
        with file.open() as packed, gzip.GzipFile(fileobj=packed) as unpacked:
            is_archive = unpacked.read(512)[TAR_MARK_AT:].startswith(TAR_MARK)
    else:
        is_archive = start.startswith(ZSTD) or start[TAR_MARK_AT:].startswith(TAR_MARK)
    if is_archive:
        with file.open() as stream:
            size_bytes = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            return read_dockerbuild(archive_members(ByteStream(iter(lambda: stream.read(CHUNK_BYTES), b"")), size_bytes))
    return _read_text(file, is_packed=start.startswith(GZIP))


def _read_text(file: _File, *, is_packed: bool) -> tuple[ForeignBuild, ...]:
    """The builds of a log: of each reader that has marks in it, and of the readers of text, which need none.

    Raises: BuildRecordError for a log of another builder.
    """
    with _text(file, is_packed=is_packed) as stream:
        readers = _readers_for(stream)
    builds: list[ForeignBuild] = []
    for read in (*readers, read_text_log):
        with _text(file, is_packed=is_packed) as stream:
            builds += read(stream)
    if not builds:
        with _text(file, is_packed=is_packed) as stream:
            builder = other_builder(stream)
        if builder is not None:
            raise BuildRecordError(
                message("It is a log of {builder}, which speedkit does not read.", builder=builder),
                fix=message("Import logs of BuildKit, or of Docker's classic builder."),
            )
    return tuple(builds)


MARKS: tuple[tuple[Reader, re.Pattern[bytes]], ...] = (
    (read_rawjson_file, re.compile(rb'\n\{"(?:vertexes|statuses|logs|warnings)":')),
)
"""What the progress of each kind has somewhere. A mark begins with a line feed: a search for one character is quick."""
MARK_BYTES = 100


def _readers_for(stream: BinaryIO) -> list[Reader]:
    """The readers whose marks are in a log."""
    missing, end = dict(MARKS), b"\n"
    readers = []
    while missing and (chunk := stream.read(CHUNK_BYTES)):
        text = end + chunk
        for read, mark in list(missing.items()):
            if mark.search(text):
                readers.append(read)
                del missing[read]
        end = text[-MARK_BYTES:]
    return readers


@contextmanager
def _text(file: _File, *, is_packed: bool) -> Iterator[BinaryIO]:
    with file.open() as stream:
        unpacked = gzip.GzipFile(fileobj=stream) if is_packed else stream
        yield cast("BinaryIO", io.BufferedReader(_Limited(cast("BinaryIO", unpacked), file.bytes_at_most), CHUNK_BYTES))


class _Limited(io.RawIOBase):
    """A stream that ends with an error after so many bytes: a few kilobytes may unpack to terabytes."""

    def __init__(self, stream: BinaryIO, bytes_at_most: int) -> None:
        self._stream = stream
        self._bytes_at_most = self._left_bytes = bytes_at_most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # the buffer of BufferedReader is a memoryview
        data = self._stream.read(len(buffer))
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise _too_large(self._bytes_at_most)
        buffer[: len(data)] = data
        return len(data)


def _too_large(limit: int) -> BuildRecordError:
    return BuildRecordError(message("It unpacks to more than {mib:,} MiB; no more is read.", mib=limit >> 20))


def _unreadable(name: str, problem: str) -> BuildRecordError:
    return BuildRecordError(message("{file} cannot be read: {problem}.", file=name, problem=problem.rstrip(".")))
