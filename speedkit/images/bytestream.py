"""Reads bytes that arrive in chunks in pieces of any size, and holds at most one chunk and a header in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, cast

from speedkit.errors import ArchiveError
from speedkit.messages import message

__all__ = ["CHUNK_BYTES", "ByteStream", "gunzip", "unzstd"]

CHUNK_BYTES = 1 << 18
EMPTY = memoryview(b"")


def cut_short() -> ArchiveError:
    return ArchiveError(message("The archive ends in the middle of a file."), fix=message("Save or copy it again."))


def damaged(problem: Exception) -> ArchiveError:
    return ArchiveError(
        message("A compressed layer is damaged: {problem}.", problem=problem), fix=message("Save or copy it again.")
    )


class ByteStream:
    """A reader that goes forward through chunks of bytes.

    chunks: the source may overwrite a chunk once the next one is requested, so a piece of it is valid only until then.
    leap: moves a seekable source forward by a number of bytes, and raises past its end; None if the source cannot seek.
    """

    __slots__ = ("_at", "_before", "_buffer", "_chunks", "_leap")

    def __init__(self, chunks: Iterable[bytes | memoryview], *, leap: Callable[[int], None] | None = None) -> None:
        self._chunks = iter(chunks)
        self._leap = leap
        self._buffer = EMPTY
        self._at = 0
        self._before = 0

    @property
    def position(self) -> int:
        """Bytes read or skipped so far."""
        return self._before + self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes; fewer only at the end. For headers: `count` is held in memory."""
        end = self._at + count
        if end <= len(self._buffer):
            data = bytes(self._buffer[self._at : end])
            self._at = end
            return data
        return b"".join(map(bytes, self._up_to(count)))

    def take_all(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises: ArchiveError when the stream ends before.
        """
        data = self.take(count)
        if len(data) < count:
            raise cut_short()
        return data

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, which stay unread; fewer only at the end."""
        if self._at + count > len(self._buffer):
            # The bytes lie in several chunks. They are joined, because a chunk may be overwritten once the next one comes.
            joined = bytearray(self._buffer[self._at :])
            self._before += self._at
            while len(joined) < count and (chunk := next(self._chunks, None)) is not None:
                joined += chunk
            self._buffer, self._at = memoryview(joined), 0
        return bytes(self._buffer[self._at : self._at + count])

    def pieces(self, count: int) -> Iterator[memoryview]:
        """The next `count` bytes in pieces as they arrived.

        Raises: ArchiveError when the stream ends before.
        """
        for piece in self._up_to(count):
            count -= len(piece)
            yield piece
        if count:
            raise cut_short()

    def view(self, count: int) -> memoryview | None:
        """The next `count` bytes without a copy, if one chunk holds them all; else None, and they stay unread."""
        end = self._at + count
        if end > len(self._buffer):
            return None
        piece = self._buffer[self._at : end]
        self._at = end
        return piece

    def skip(self, count: int) -> None:
        """Move past the next `count` bytes.

        Raises: ArchiveError when the stream ends before.
        """
        held = len(self._buffer) - self._at
        if count <= held:
            self._at += count
        elif self._leap is not None:
            self._leap(count - held)
            self._before += len(self._buffer) + count - held
            self._buffer, self._at = EMPTY, 0
        else:
            for _ in self.pieces(count):
                pass

    def drain(self) -> None:
        """Read the rest, and drop it."""
        while self._next_chunk():
            pass

    def _up_to(self, count: int) -> Iterator[memoryview]:
        """The next `count` bytes in pieces as they arrived; fewer only at the end."""
        while count and (self._at < len(self._buffer) or self._next_chunk()):
            piece = self._buffer[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            yield piece

    def _next_chunk(self) -> bool:
        self._before += len(self._buffer)
        self._buffer, self._at = EMPTY, 0
        for chunk in self._chunks:
            if len(chunk):
                self._buffer = memoryview(chunk)
                return True
        return False


def gunzip(chunks: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """The uncompressed bytes of a gzip stream of one or more members, at most a chunk at a time.

    Raises: ArchiveError when it is damaged or cut short.
    """
    from zlib_ng import zlib_ng

    member = zlib_ng.decompressobj(wbits=31)
    for chunk in chunks:
        rest: bytes | memoryview = chunk
        while len(rest):
            if member.eof:
                # Zeros may follow the last member: gzip itself ignores them as padding.
                if not any(rest):
                    break
                member = zlib_ng.decompressobj(wbits=31)
            try:
                yield member.decompress(rest, CHUNK_BYTES)
            except zlib_ng.error as problem:  # type: ignore[misc] # the stub says `error: Exception`
                raise damaged(problem) from None
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise cut_short()


def unzstd(chunks: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """The uncompressed bytes of a zstd stream of one or more frames, at most a chunk at a time.

    Raises: ArchiveError when it is damaged or cut short.
    """
    from zstandard import ZstdDecompressor, ZstdError

    source = cast("BinaryIO", _Readable(chunks))
    try:
        with ZstdDecompressor().stream_reader(source, read_across_frames=True) as reader:
            while chunk := reader.read(CHUNK_BYTES):
                yield chunk
    except ZstdError as problem:
        raise damaged(problem) from None


class _Readable:
    """Chunks, as the file that zstandard reads from."""

    def __init__(self, chunks: Iterable[bytes | memoryview]) -> None:
        self._chunks = iter(chunks)

    def read(self, _count: int) -> bytes:
        return bytes(next(self._chunks, b""))
