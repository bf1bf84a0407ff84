"""The sources of an image's layers: an archive on disk, a folder in the layout of OCI, or the stream of an engine.

Nothing is unpacked to disk. Members may come in any order: Docker writes the layers first, and their order in a document at
the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from speedkit.errors import ArchiveError
from speedkit.messages import message

from .archive_names import OCI_MARK
from .bytestream import CHUNK_BYTES, ByteStream, cut_short
from .layer_reader import packing, uncompressed
from .manifests import HOW_TO_SAVE
from .tar import BLOCK_BYTES, Header, scan

__all__ = ["ArchiveFile", "Member", "OciFolder", "SentImage", "Source", "archive_members", "source_on_disk"]

Member = tuple[Header, ByteStream]
"""A file of a source, and the stream from which its data can be read until the next member is requested."""


class Source(Protocol):
    """Files with the layers of an image, and the documents that describe it.

    trusted_layers: the diffIDs that need no check: a member with such a name is the layer. Empty for sources on disk.
    """

    @property
    def trusted_layers(self) -> frozenset[str]: ...

    def members(self) -> AbstractContextManager[Iterator[Member]]:
        """Open the source, and iterate over its members.

        Raises: ArchiveError if it cannot be read; the iterator may raise it, too.
        """


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """An archive of `docker save`, or one in the layout of OCI. The archive as a whole may be compressed."""

    path: Path
    trusted_layers: frozenset[str] = frozenset()

    @contextmanager
    def members(self) -> Iterator[Iterator[Member]]:
        with _readable(), self.path.open("rb") as file:
            size_bytes = self.path.stat().st_size
            is_compressed = bool(packing(file.read(BLOCK_BYTES)))
            file.seek(0)

            def leap(count: int) -> None:
                if file.seek(count, 1) > size_bytes:
                    raise cut_short()

            chunks = _chunks_of(file)
            if is_compressed:
                yield archive_members(ByteStream(chunks), size_bytes)
            else:
                yield _members_of(ByteStream(chunks, leap=leap))


@dataclass(frozen=True, slots=True)
class OciFolder:
    """A folder in the layout of OCI. Symbolic links in it are skipped."""

    path: Path
    trusted_layers: frozenset[str] = frozenset()

    @contextmanager
    def members(self) -> Iterator[Iterator[Member]]:
        with _readable():
            if not (self.path / OCI_MARK).is_file():
                raise ArchiveError(
                    message("This is a folder without an image: it has no file {file}.", file=OCI_MARK),
                    fix=message(HOW_TO_SAVE),
                )
            yield self._files()

    def _files(self) -> Iterator[Member]:
        # os.walk needs no recursion, unlike Path.rglob, which fails in a very deep folder.
        for path in sorted(Path(place, name) for place, _, names in os.walk(self.path) for name in names):
            if path.is_file() and not path.is_symlink():
                size_bytes = path.stat().st_size
                name = path.relative_to(self.path).as_posix()
                with path.open("rb") as file:
                    yield Header(name, "0", size_bytes, size_bytes, 0, 0, 0, "", sparse=False), ByteStream(_chunks_of(file))


@dataclass(frozen=True, slots=True)
class SentImage:
    """The stream of an engine, which can be read once.

    trusted_layers: the diffIDs of the image, from the engine, which checked them when the image was pulled, built or loaded.
    """

    stream: ByteStream
    trusted_layers: frozenset[str]

    @contextmanager
    def members(self) -> Iterator[Iterator[Member]]:
        yield _members_of(self.stream)


def archive_members(stream: ByteStream, stored_bytes: int) -> Iterator[Member]:
    """The members of an archive in the next bytes of a stream; the archive as a whole may be compressed."""
    return _members_of(ByteStream(uncompressed(stream, stored_bytes)))


def source_on_disk(path: Path) -> Source:
    return OciFolder(path) if path.is_dir() else ArchiveFile(path)


def _members_of(stream: ByteStream) -> Iterator[Member]:
    return ((header, stream) for header in scan(stream))


@contextmanager
def _readable() -> Iterator[None]:
    """Turn an OSError into an ArchiveError."""
    try:
        yield
    except OSError as problem:
        raise ArchiveError(
            message("It cannot be read: {reason}.", reason=problem.strerror or problem),
            fix=message("Give an archive of `docker save`."),
        ) from None


def _chunks_of(file: BinaryIO) -> Iterable[bytes]:
    return iter(lambda: file.read(CHUNK_BYTES), b"")
