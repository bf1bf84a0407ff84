"""Reads one layer from its bytes, compressed or not, in one pass: its diffID and its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from xxhash import xxh3_128, xxh3_128_digest

from speedkit.errors import ArchiveError
from speedkit.images.bytestream import ByteStream, gunzip, unzstd
from speedkit.images.files import Files
from speedkit.images.tar import Header, scan

__all__ = ["CONTENT_BYTES_AT_MOST", "LayerReader", "read_layer", "uncompressed"]

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CONTENT_BYTES_AT_MOST = 16 << 20


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


def read_layer(blob: ByteStream, size_bytes: int, *, vouched: str | None = None) -> tuple[str, Files]:
    """The diffID and the files of the layer in the next `size_bytes` of the stream.

    vouched: the diffID, when whoever sends the layer is trusted with it; else it is that of the bytes read, whatever the
    archive calls them.
    Raises: ArchiveError.
    """
    reader = LayerReader(vouched)
    files = Files()
    for header in reader.members(blob, size_bytes):
        files.add(header, reader.digest(header))
    return reader.diff_id, files


class LayerReader:
    """Goes through the members of a layer's archive; afterwards it knows the diffID."""

    def __init__(self, vouched: str | None = None) -> None:
        self._whole = hashlib.sha256()
        self._vouched = vouched
        self._stream = ByteStream(())

    @property
    def diff_id(self) -> str:
        return self._vouched or f"sha256:{self._whole.hexdigest()}"

    def members(self, blob: ByteStream, size_bytes: int) -> Iterator[Header]:
        """The members; the data of the one that was handed out last can be read with `digest` or `content`."""
        chunks = uncompressed(blob, size_bytes)
        self._stream = ByteStream(chunks if self._vouched else _hashed(chunks, self._whole))
        yield from scan(self._stream)
        self._stream.drain()

    def digest(self, header: Header) -> bytes:
        """The XXH3-128 of the member's bytes: ten times as fast as SHA-256, and nobody's trust hangs on it."""
        piece = self._stream.view(header.stored_bytes)
        if piece is not None:
            return xxh3_128_digest(piece)
        found = xxh3_128()
        for piece in self._stream.pieces(header.stored_bytes):
            found.update(piece)
        return found.digest()

    def content(self, header: Header) -> bytes:
        """The member's bytes.

        Raises: ArchiveError when they are too many to show, or stored with holes.
        """
        if header.sparse:
            raise ArchiveError(f"{header.name} is stored as a sparse file; its content cannot be shown.")
        if header.stored_bytes > CONTENT_BYTES_AT_MOST:
            raise ArchiveError(f"{header.name} has {header.stored_bytes:,} bytes; at most 16 MiB are shown.")
        return self._stream.take_all(header.stored_bytes)


def uncompressed(blob: ByteStream, size_bytes: int) -> Iterable[bytes | memoryview]:
    """The bytes of the archive inside a blob: image layers are stored plain, with gzip or with zstd.

    Source: https://github.com/opencontainers/image-spec/blob/main/layer.md
    """
    start = blob.peek(min(size_bytes, len(ZSTD)))
    pieces = blob.pieces(size_bytes)
    if start == ZSTD:
        return unzstd(pieces)
    return gunzip(pieces) if start.startswith(GZIP) else pieces


def _hashed(chunks: Iterable[bytes | memoryview], whole: _Hash) -> Iterator[bytes | memoryview]:
    for chunk in chunks:
        whole.update(chunk)
        yield chunk
