"""Reads one layer, compressed or not, in one pass over its bytes: its diffID and its files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from xxhash import xxh3_128, xxh3_128_digest

from speedkit.errors import ArchiveError
from speedkit.messages import message

from .bytestream import ByteStream, gunzip, unzstd
from .files import Files
from .tar import BLOCK_BYTES, Header, looks_like_tar, scan

__all__ = ["CONTENT_BYTES_AT_MOST", "LayerReader", "ReadLayer", "packing", "read_layer", "uncompressed"]

Packing = Literal["", "gzip", "zstd"]
_GZIP, _ZSTD, _BZIP2, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0"
_ZSTD_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""A frame without data, which may come first (RFC 8878, section 3.1.2)."""
CONTENT_BYTES_AT_MOST = 16 << 20


Chunks = Iterable[bytes | memoryview]


def packing(start: bytes) -> Packing:
    """The compression of data, by its first block; "" for none.

    Raises: ArchiveError for bzip2 and xz: engines unpack them, but no image specification names them.
    """
    for magic, name in ((_BZIP2, "bzip2"), (_XZ, "xz")):
        if start.startswith(magic) and not looks_like_tar(start):
            raise ArchiveError(
                message("It is compressed with {name}; speedkit reads only gzip, zstd and uncompressed archives.", name=name),
                fix=message("Unpack it with {name} -d.", name=name),
            )
    if start.startswith(_ZSTD) or _ZSTD_SKIPPABLE.match(start):
        return "zstd"
    return "gzip" if start.startswith(_GZIP) else ""


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


@dataclass(frozen=True, slots=True)
class ReadLayer:
    """A layer: its diffID, the digest of its bytes as they are stored ("" unless requested), and its files."""

    diff_id: str
    blob_digest: str
    files: Files


def read_layer(
    blob: ByteStream,
    size_bytes: int,
    *,
    trusted_diff_id: str | None = None,
    through: Callable[[Chunks], Chunks] = lambda chunks: chunks,
    is_blob_hashed: bool = False,
) -> ReadLayer:
    """The layer in the next `size_bytes` of the stream.

    trusted_diff_id: from a source that is trusted with it; None to compute it from the bytes. through: a generator that all
    unpacked bytes pass. is_blob_hashed: also compute the digest of the bytes as they are stored.
    Raises: ArchiveError.
    """
    reader = LayerReader(trusted_diff_id, through=through, is_blob_hashed=is_blob_hashed)
    files = Files()
    for header in reader.members(blob, size_bytes):
        files.add(header, reader.digest(header))
    return ReadLayer(reader.diff_id, reader.blob_digest, files)


class LayerReader:
    """Reads the members of a layer's archive. Its diffID is complete after the last member."""

    def __init__(
        self,
        trusted_diff_id: str | None = None,
        *,
        through: Callable[[Chunks], Chunks] = lambda chunks: chunks,
        is_blob_hashed: bool = False,
    ) -> None:
        self._whole = hashlib.sha256()
        self._stored = hashlib.sha256() if is_blob_hashed else None
        self._trusted_diff_id = trusted_diff_id
        self._through = through
        self._is_compressed = False
        self._stream = ByteStream(())

    @property
    def diff_id(self) -> str:
        return self._trusted_diff_id or f"sha256:{self._whole.hexdigest()}"

    @property
    def blob_digest(self) -> str:
        """The digest of the bytes as they are stored, compressed or not; "" unless requested."""
        if self._stored is None:
            return ""
        # A layer without compression has equal bytes before and after: one hash serves for both digests.
        return f"sha256:{self._stored.hexdigest()}" if self._is_compressed else self.diff_id

    def members(self, blob: ByteStream, size_bytes: int) -> Iterator[Header]:
        """The members. `digest` or `content` reads the data of the last one that was yielded."""
        self._is_compressed = bool(packing(blob.peek(min(size_bytes, BLOCK_BYTES))))
        stored = self._stored if self._is_compressed else None
        chunks = self._through(uncompressed(blob, size_bytes, stored))
        self._stream = ByteStream(chunks if self._trusted_diff_id else _hashed(chunks, self._whole))
        yield from scan(self._stream)
        # The digest is that of all bytes: padding may follow the end of the tar archive.
        self._stream.drain()

    def digest(self, header: Header) -> bytes:
        """The XXH3-128 of the member's bytes. It tells changed files from equal ones, ten times as fast as SHA-256."""
        piece = self._stream.view(header.stored_bytes)
        if piece is not None:
            return xxh3_128_digest(piece)
        file_hash = xxh3_128()
        for piece in self._stream.pieces(header.stored_bytes):
            file_hash.update(piece)
        return file_hash.digest()

    def content(self, header: Header) -> bytes:
        """The member's bytes.

        Raises: ArchiveError when they are more than 16 MiB, or stored with holes.
        """
        if header.sparse:
            raise ArchiveError(message("{name} is stored as a sparse file; its content cannot be shown.", name=header.name))
        if header.stored_bytes > CONTENT_BYTES_AT_MOST:
            raise ArchiveError(
                message("{name} has {size:,} bytes; at most 16 MiB are shown.", name=header.name, size=header.stored_bytes)
            )
        return self._stream.take_all(header.stored_bytes)


def uncompressed(blob: ByteStream, size_bytes: int, stored: _Hash | None = None) -> Chunks:
    """The uncompressed bytes of a blob, which is plain, or compressed with gzip or zstd.

    stored: hashes the bytes as they are stored; complete once the last chunk has been read.
    Source: https://github.com/opencontainers/image-spec/blob/main/layer.md
    """
    packed = packing(blob.peek(min(size_bytes, BLOCK_BYTES)))
    pieces: Chunks = blob.pieces(size_bytes)
    if stored is not None:
        pieces = _hashed(pieces, stored)
    if packed == "zstd":
        return _to_the_end(unzstd(pieces), pieces)
    return _to_the_end(gunzip(pieces), pieces) if packed == "gzip" else pieces


def _to_the_end(unpacked: Chunks, pieces: Chunks) -> Iterator[bytes | memoryview]:
    """The unpacked chunks. Then the pieces are read to their end, because padding after the compressed data is hashed, too."""
    yield from unpacked
    for _ in pieces:
        pass


def _hashed(chunks: Chunks, whole: _Hash) -> Iterator[bytes | memoryview]:
    for chunk in chunks:
        whole.update(chunk)
        yield chunk
