"""Reads the headers of a tar archive in the formats V7, ustar, GNU and PAX, as Docker's own reader (Go's archive/tar) does.

In: a ByteStream. Out: a Header per member; its data can be read from the stream until the next one is requested.
Python's tarfile takes 44 µs of CPU for a member and this module 9 µs. For the 7,500 files of a Go image that is 0.26 s more, a
quarter of what `docker save` takes for it; `speedkit layers` may take 0.15 more in all.

Formats: POSIX.1-2017 pax, https://www.gnu.org/software/tar/manual/html_node/Standard.html and `Sparse-Formats.html`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct

from speedkit.errors import ArchiveError
from speedkit.messages import message

from .bytestream import ByteStream

__all__ = ["BLOCK_BYTES", "Header", "looks_like_tar", "scan"]

BLOCK_BYTES = 512
NAME_BYTES_AT_MOST = 4096  # Linux' PATH_MAX: no engine could unpack a longer one
EXTENSION_BYTES_AT_MOST = 1 << 20  # Go's archive/tar refuses longer ones too
NUMBER_AT_MOST = (1 << 63) - 1
ZEROS = bytes(BLOCK_BYTES)
FIELDS = Struct("100s 8s 8s 8s 12s 12x 8x x 100s 6s 249x")
"""Name, mode, owner, group, size, link and magic of a header."""
PADDING = b" \0"
"""Stripped from both ends of a number, as in Go's parser: digits may follow a leading zero byte."""
HEADER_ONLY = frozenset(b"123456")
ATTRIBUTE = b"SCHILY.xattr."
"""How the PAX record of an extended attribute begins, in Go's archive/tar as in star."""
KNOWN_TYPES = frozenset(b"\x0001234567S")
DIRECTORY, OLD_SPARSE = ord("5"), ord("S")


@dataclass(slots=True)
class Header:
    """The header of one member.

    type: the type letter, `0` for every kind of regular file. size_bytes: of the unpacked file. stored_bytes: of the data in
    the archive; fewer than size_bytes for a sparse file. attributes: the extended attributes, such as capabilities, by name;
    without the records that tar programs keep for themselves.
    """

    name: str
    type: str
    size_bytes: int
    stored_bytes: int
    mode: int
    uid: int
    gid: int
    link: str
    sparse: bool
    attributes: dict[bytes, bytes] | None = None


@dataclass(slots=True)
class _Ahead:
    """What extension members (GNU long names, PAX records) say about the next member."""

    name: bytes | None = None
    link: bytes | None = None
    records: dict[bytes, bytes] = field(default_factory=dict)


def looks_like_tar(block: bytes) -> bool:
    """The block is a header with the right checksum, or the end of an empty archive."""
    return block == ZEROS or (len(block) == BLOCK_BYTES and _checksum_fits(block))


def scan(stream: ByteStream) -> Iterator[Header]:
    """The members of the archive, in order.

    Raises: ArchiveError.
    """
    ahead, is_extended = _Ahead(), False
    while block := _next_block(stream):
        if not _checksum_fits(block):
            raise ArchiveError(
                message("This is not a tar archive, or it is damaged at byte {bytes}.", bytes=stream.position - BLOCK_BYTES),
                fix=message("Save or copy it again."),
            )
        letter = block[156]
        if letter in b"xgLK":
            ahead = _extended(ahead, letter, stream, _number(block[124:136]))
            is_extended = True
            continue
        header = _header(block, letter, ahead)
        if letter == OLD_SPARSE:
            # Before their data, old GNU sparse files may have blocks with further holes (`isextended`).
            more = block[482]
            while more:
                more = stream.take_all(BLOCK_BYTES)[504]
        # The caller may have read some of the data, all of it or none: the next header begins where the padding ends.
        end = stream.position + -(-header.stored_bytes // BLOCK_BYTES) * BLOCK_BYTES
        yield header
        stream.skip(end - stream.position)
        if is_extended:
            ahead, is_extended = _Ahead(), False


def _next_block(stream: ByteStream) -> bytes | None:
    """The next header; None at two blocks of zeros, or at the end of the stream between two members."""
    block = stream.take(BLOCK_BYTES)
    if block == ZEROS:
        if stream.take(BLOCK_BYTES) not in (ZEROS, b""):
            raise ArchiveError(message("The tar archive is damaged at byte {bytes}.", bytes=stream.position - BLOCK_BYTES))
        return None
    if not block:
        return None
    if len(block) < BLOCK_BYTES:
        raise ArchiveError(message("This is not a tar archive, or it was cut short."), fix=message("Save or copy it again."))
    return block


def _checksum_fits(block: bytes) -> bool:
    """Whether the checksum is the sum of the header's bytes, its own field counted as spaces."""
    try:
        checksum = int(block[148:156].strip(PADDING).partition(b"\0")[0] or b"0", 8)
    except ValueError:
        return False
    rest = block[:148] + block[156:]
    total = sum(rest) + 8 * ord(" ")
    # Old archives summed signed bytes. Go's reader accepts both sums.
    return checksum == total or checksum == total - 256 * sum(byte > 127 for byte in rest)


@lru_cache(maxsize=4096)
def _number(raw: bytes) -> int:
    """A numeric field: octal digits, or big-endian binary if the first bit is set (GNU).

    Cached, because most files of a layer share their mode and owner.
    """
    if raw[0] & 0x80:
        value = int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
        negative = raw[0] & 0x40
    else:
        digits = raw.strip(PADDING).partition(b"\0")[0]
        if not digits:
            return 0
        negative = not digits.isdigit()
        value = _integer(digits, 8)
    if negative or value > NUMBER_AT_MOST:
        raise ArchiveError(message("The tar archive is damaged: a header has an impossible number."))
    return value


def _integer(digits: bytes, base: int) -> int:
    try:
        value = int(digits, base)
    except ValueError:
        value = -1
    if not 0 <= value <= NUMBER_AT_MOST:
        raise ArchiveError(message("The tar archive is damaged: a header has an impossible number."))
    return value


def _extended(ahead: _Ahead, letter: int, stream: ByteStream, size_bytes: int) -> _Ahead:
    """Reads an extension member, and adds it to the facts about the next member.

    Docker ignores global PAX records. In Go they are a member of their own, so the extensions before them describe nothing.
    """
    if size_bytes > EXTENSION_BYTES_AT_MOST:
        raise ArchiveError(
            message("A tar header has {size} bytes of metadata for one file; at most 1 MiB is read.", size=size_bytes)
        )
    data = stream.take_all(size_bytes)
    stream.skip(-size_bytes % BLOCK_BYTES)
    if letter == ord("g"):
        return _Ahead()
    if letter == ord("L"):
        ahead.name = data.split(b"\0")[0]
    elif letter == ord("K"):
        ahead.link = data.split(b"\0")[0]
    else:
        ahead.records = _pax_records(data)
    return ahead


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """Records of the form `LENGTH KEY=VALUE\\n`; a later one replaces an earlier one."""
    records = {}
    start = 0
    # By index: cutting off each record copies the rest, which takes a minute for a hundred thousand records.
    while start < len(data):
        length, _, _ = data[start : start + 20].partition(b" ")
        end = start + _integer(length, 10)
        key, equals, value = data[start + len(length) + 1 : end].partition(b"=")
        if end > len(data) or end <= start or not equals or value[-1:] != b"\n":
            raise ArchiveError(message("The tar archive is damaged: a PAX record has the wrong form."))
        records[key] = value[:-1]
        start = end
    return records


def _header(block: bytes, letter: int, ahead: _Ahead) -> Header:
    if letter not in KNOWN_TYPES:
        raise ArchiveError(message("The tar archive has a member of the unknown type {type!r}.", type=chr(letter)))
    short_name, mode, owner, group, size_field, short_link, magic = FIELDS.unpack(block)
    records = ahead.records
    # In Go, GNU's long names win over PAX records, whichever comes first.
    name = ahead.name or (records.get(b"path") if records else None) or _short_name(short_name, magic, block)
    link = ahead.link or (records.get(b"linkpath") if records else None) or short_link.partition(b"\0")[0]
    # V7 has no type for directories, only the slash at the end of the name.
    if letter == 0 and name.endswith(b"/"):
        letter = DIRECTORY
    size, uid, gid = _number(size_field), _number(owner), _number(group)
    sparse_size = _number(block[483:495]) if letter == OLD_SPARSE else None
    if records:
        size, uid, gid = (
            _integer(records[key], 10) if records.get(key) else value
            for key, value in ((b"size", size), (b"uid", uid), (b"gid", gid))
        )
        if letter != OLD_SPARSE and _is_sparse(records):
            name = records.get(b"GNU.sparse.name") or name
            size_record = records.get(b"GNU.sparse.size") or records.get(b"GNU.sparse.realsize")
            sparse_size = _integer(size_record, 10) if size_record else size
    # The size of a link, directory or device means nothing: no data follows its header, whatever the field says.
    stored = 0 if letter in HEADER_ONLY else size
    regular = letter in b"\x0007S"
    return Header(
        _text(name),
        "0" if regular else chr(letter),
        sparse_size if sparse_size is not None and regular else stored,
        stored,
        _number(mode) & 0o7777,
        uid,
        gid,
        _text(link) if link else "",
        sparse_size is not None,
        {key: value for key, value in records.items() if key.startswith(ATTRIBUTE)} if records else None,
    )


def _is_sparse(records: dict[bytes, bytes]) -> bool:
    """Whether PAX records describe a sparse file. If not, Go ignores the names and sizes in them."""
    version = records.get(b"GNU.sparse.major", b""), records.get(b"GNU.sparse.minor", b"")
    if any(version):
        return version in ((b"0", b"0"), (b"0", b"1"), (b"1", b"0"))
    return bool(records.get(b"GNU.sparse.map") or records.get(b"GNU.sparse.offset"))


def _short_name(name: bytes, magic: bytes, block: bytes) -> bytes:
    """The name in the header itself; ustar and star may keep its beginning in a field of its own.

    Go before 1.8 did so in GNU's format, too, in the place of the times of access and change. If those are not numbers, Go's
    reader takes them for the beginning of a name.
    """
    name = name.partition(b"\0")[0]
    if not block[345]:
        return name
    if magic == b"ustar\0":
        beginning = block[345 : 476 if block[508:] == b"tar\0" else 500]
    elif magic == b"ustar " and block[263:265] == b" \0" and not (_is_time(block[345:357]) and _is_time(block[357:369])):
        beginning = block[345:500]
        if not beginning.partition(b"\0")[0].isascii():
            return name
    else:
        return name
    return beginning.partition(b"\0")[0] + b"/" + name


def _is_time(raw: bytes) -> bool:
    try:
        _number(raw)
    except ArchiveError:
        return bool(raw[0] & 0x80)
    return True


def _text(name: bytes) -> str:
    if len(name) > NAME_BYTES_AT_MOST or b"\0" in name:
        raise ArchiveError(message("The tar archive has an impossible file name: {name!r}…", name=name[:60]))
    return name.decode("utf-8", "backslashreplace")
