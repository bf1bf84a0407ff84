"""The header reader agrees with Python's tarfile, and says ArchiveError about all that is no archive."""

from __future__ import annotations

import contextlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedkit.errors import ArchiveError
from speedkit.images.bytestream import ByteStream
from speedkit.images.files import File, clean_path
from speedkit.images.tar import looks_like_tar, scan

from .archives import files_of, layer

NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..") and not name.startswith(".wh.")
)
PATHS = st.lists(NAME, min_size=1, max_size=6).map("/".join)
MEMBERS = st.lists(st.tuples(PATHS, st.one_of(st.binary(max_size=2000), st.none(), st.just("fifo"), PATHS.map("-> {}".format))))


def in_pieces(data: bytes, size: int) -> ByteStream:
    return ByteStream(data[at : at + size] for at in range(0, len(data), size))


@settings(deadline=None, max_examples=60)
@given(MEMBERS, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), st.integers(1, 3000))
def test_names_sizes_and_links_are_those_that_tarfile_reads(
    members: list[tuple[str, object]], archive_format: int, size: int
) -> None:
    data = layer(*members, format=archive_format)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [(info.name.rstrip("/"), info.size, info.linkname, info.mode) for info in archive]
    found = [(header.name.rstrip("/"), header.size_bytes, header.link, header.mode) for header in scan(in_pieces(data, size))]
    assert found == expected


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_archives_give_archive_errors_only(data: st.DataObject) -> None:
    whole = bytearray(layer(("a" * 150, b"x" * 700), ("b", None), ("c", "-> a"), ("d", "link b"), ("ü", b"y")))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with contextlib.suppress(ArchiveError):
        files_of(cut)


def sealed(block: bytearray) -> bytes:
    """The header with its checksum set right."""
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 255)), max_size=12), st.binary(max_size=600))
@pytest.mark.slow
def test_headers_with_a_right_checksum_and_odd_fields_give_archive_errors_only(
    changes: list[tuple[int, int]], rest: bytes
) -> None:
    block = bytearray(layer(("a", b"x"))[:512])
    for at, value in changes:
        block[at] = value
    with contextlib.suppress(ArchiveError):
        files_of(sealed(block) + rest)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300))
def test_pax_records_of_any_bytes_give_archive_errors_only(records: bytes) -> None:
    block = bytearray(layer(("a", records))[:512])
    block[156:157] = b"x"
    with contextlib.suppress(ArchiveError):
        files_of(sealed(block) + records.ljust(-(-len(records) // 512) * 512, b"\0") + layer(("b", b"x")))


def only(data: bytes) -> File:
    (file,) = (files_of(data).file(index) for index in range(len(files_of(data))))
    return file


def pax(records: dict[str, str], name: str = "a", content: bytes = b"x") -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.pax_headers = len(content), records
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_a_sparse_file_has_the_size_that_its_reader_would_see() -> None:
    assert only(pax({"GNU.sparse.realsize": "1000000", "GNU.sparse.major": "1", "GNU.sparse.minor": "0"})).size_bytes == 1000000
    block = bytearray(layer(("a", b"x"))[:512])
    block[156:157], block[482], block[483:495] = b"S", 1, b"00003641100\0"
    data = sealed(block) + bytes(512) + b"x".ljust(512, b"\0") + bytes(1024)
    assert only(data).size_bytes == 0o3641100


def test_a_number_may_be_binary() -> None:
    info = tarfile.TarInfo("a")
    info.uid = 1 << 24
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(info)
    assert only(out.getvalue()).uid == 1 << 24


def test_an_old_header_without_a_type_is_a_directory_when_its_name_ends_in_a_slash() -> None:
    block = bytearray(layer(("a/", b""))[:512])
    block[0:3], block[156:157] = b"a/\0", b"\0"
    assert only(sealed(block)).kind == "directory"


def test_a_checksum_of_signed_bytes_is_accepted() -> None:
    block = bytearray(layer(("\xfc", b""), format=tarfile.GNU_FORMAT)[:512])
    block[148:156] = b" " * 8
    signed = sum(byte - 256 if byte > 127 else byte for byte in block)
    block[148:156] = f"{signed:06o}\0 ".encode()
    assert looks_like_tar(bytes(block))


@pytest.mark.parametrize(
    "data",
    [
        b"no archive at all",
        b"\x01" * 512,
        layer(("a", b"x" * 900))[:1000],
        layer(("a", b""))[:512] + bytes(512) + b"\x01" * 512,
        pax({"size": "-1"}),
        pax({"path": "x" * 5000}),
        pax({"uid": str(1 << 40)}),
        layer((".wh.", b"")),
        layer(("a/.wh...", b"")),
    ],
)
def test_what_is_no_layer_is_refused(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        files_of(data)


def test_an_unknown_type_an_impossible_number_and_an_endless_name_are_refused() -> None:
    for at, value in ((156, b"Z"), (124, b"\xff" * 12), (124, b"-0000000001\0"), (100, b"9999999\0")):
        block = bytearray(layer(("a", b""))[:512])
        block[at : at + len(value)] = value
        with pytest.raises(ArchiveError):
            files_of(sealed(block))
    block = bytearray(layer(("a", b""))[:512])
    block[156:157], block[124:136] = b"L", b"00077777777\0"
    with pytest.raises(ArchiveError):
        files_of(sealed(block))


@pytest.mark.parametrize(
    ("name", "path"),
    [("./a/b", "a/b"), ("/a//b/", "a/b"), ("../../etc/passwd", "etc/passwd"), ("a/../../b", "b"), ("./", ""), ("a/.b", "a/.b")],
)
def test_no_name_leaves_the_root(name: str, path: str) -> None:
    assert clean_path(name) == path


def test_a_stream_passes_over_bytes_without_reading_them_when_its_source_can_seek(tmp_path: Path) -> None:
    leaps: list[int] = []
    stream = ByteStream(iter([b"abc", b"z"]), leap=leaps.append)
    assert stream.take(1) == b"a"
    stream.skip(100)
    assert (leaps, stream.position, stream.take(5)) == ([98], 101, b"z")
