"""Image archives: `docker save` files, OCI archives, and the stream that an engine sends. Nothing is unpacked to disk.

Members may come in any order: Docker writes the layers first and says last which they are. An archive on disk is gone
through twice, by seeking: first its documents, then the layers not read before. A stream is gone through once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from speedkit.errors import ArchiveError
from speedkit.images.bytestream import CHUNK_BYTES, ByteStream, cut_short, gunzip
from speedkit.images.files import Files, clean_path
from speedkit.images.image import Image, make_image
from speedkit.images.manifests import choose_image, describe_images
from speedkit.images.reading import GZIP, ZSTD, LayerReader, read_layer
from speedkit.images.store import LayerStore
from speedkit.images.tar import BLOCK_BYTES, Header, looks_like_tar, scan

__all__ = ["SavedImage", "read_archive", "read_archive_content", "read_content", "read_saved_image"]

DOCUMENT_BYTES_AT_MOST = 16 << 20
DOCUMENTS_BYTES_AT_MOST = 64 << 20
BLOB_NAME = re.compile(r"blobs/sha256/([0-9a-f]{64})")


@dataclass(slots=True)
class SavedImage:
    """What a pass over an archive found.

    documents: the JSON files by name. diff_ids: the diffID of each layer read, by member name. files: by diffID.
    links: members that stand for others.
    """

    documents: dict[str, bytes] = field(default_factory=dict)
    diff_ids: dict[str, str] = field(default_factory=dict)
    files: dict[str, Files] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


def read_archive(path: Path, *, name: str | None = None, store: LayerStore | None = None) -> Image:
    """The image in an archive on disk.

    name: which one, when the archive holds several.
    Raises: ArchiveError.
    """
    store = store or LayerStore()
    with _opened(path) as stream:
        outline = _read_members(stream, lambda _name, _start: False, store)
    found = choose_image(describe_images(outline.documents), name)
    members = [_followed(layer, outline.links) for layer in found.layers]
    known = {diff_id: store.layer(diff_id) for diff_id in found.diff_ids}
    missing = {member: diff_id for member, diff_id in zip(members, found.diff_ids, strict=True) if known[diff_id] is None}
    if missing:
        with _opened(path) as stream:
            read = _read_members(stream, lambda name, _start: name in missing, store)
        known |= read.files
        for member, diff_id in missing.items():
            _require_layer(member, diff_id, read.diff_ids)
    layers = [(diff_id, command, known[diff_id]) for diff_id, command in zip(found.diff_ids, found.commands, strict=True)]
    return make_image(found.id, found.names[0] if found.names else path.name, layers)


def read_saved_image(stream: ByteStream, diff_ids: Iterable[str], *, store: LayerStore) -> SavedImage:
    """What an engine sends for an image; layers known to the store are passed over.

    diff_ids: those of the image, as the engine says: a member named by one of them is taken to be it.
    Raises: ArchiveError.
    """
    return _read_members(
        stream, lambda name, start: _is_layer(start) and not _is_known(name, store), store, vouched=frozenset(diff_ids)
    )


def read_archive_content(path: Path, diff_id: str, inner_path: str, *, store: LayerStore | None = None) -> bytes:
    """The bytes of a file in one layer of an archive on disk, at most 16 MiB.

    Raises: ArchiveError.
    """
    with _opened(path) as stream:
        return read_content(stream, diff_id, inner_path, store=store or LayerStore())


def read_content(stream: ByteStream, diff_id: str, inner_path: str, *, store: LayerStore) -> bytes:
    """The bytes of a regular file in one layer of an archive, at most 16 MiB.

    Raises: ArchiveError, also when the archive has no such layer or file.
    """
    wanted = clean_path(inner_path)
    for header in scan(stream):
        name = clean_path(header.name)
        if header.type != "0" or _known_diff_id(name, store) not in (diff_id, None):
            continue
        if not _is_layer(stream.peek(min(header.stored_bytes, BLOCK_BYTES))):
            continue
        reader = LayerReader()
        content = None
        for member in reader.members(stream, header.stored_bytes):
            if member.type == "0" and clean_path(member.name) == wanted:
                content = reader.content(member)
        if content is not None and reader.diff_id == diff_id:
            return content
    raise ArchiveError(f"The layer {diff_id[:19]} has no file {inner_path}.", fix="List its files first.")


def _read_members(
    stream: ByteStream,
    is_wanted: Callable[[str, bytes], bool],
    store: LayerStore,
    *,
    vouched: frozenset[str] = frozenset(),
) -> SavedImage:
    found = SavedImage()
    for header in scan(stream):
        name = clean_path(header.name)
        if header.type in "12":
            base = name.rpartition("/")[0] if header.type == "2" else ""
            found.links[name] = clean_path(f"{base}/{header.link}")
        elif header.type == "0":
            start = stream.peek(min(header.stored_bytes, BLOCK_BYTES))
            if is_wanted(name, start):
                _keep_layer(found, name, stream, header, store, vouched)
            elif _is_document(start):
                _keep_document(found.documents, name, stream, header)
    return found


def _keep_layer(
    found: SavedImage, name: str, stream: ByteStream, header: Header, store: LayerStore, vouched: frozenset[str]
) -> None:
    digest = _digest_in(name)
    diff_id, files = read_layer(stream, header.stored_bytes, vouched=digest if digest in vouched else None)
    found.diff_ids[name], found.files[diff_id] = diff_id, files
    store.keep(diff_id, files)
    if digest and digest != diff_id:
        store.keep_blob(digest, diff_id)


def _keep_document(documents: dict[str, bytes], name: str, stream: ByteStream, header: Header) -> None:
    if header.stored_bytes > DOCUMENT_BYTES_AT_MOST:
        return
    documents[name] = stream.take_all(header.stored_bytes)
    if sum(map(len, documents.values())) > DOCUMENTS_BYTES_AT_MOST:
        raise ArchiveError("The archive has more than 64 MiB of JSON: it describes no image that could be shown.")


def _is_document(start: bytes) -> bool:
    return start.lstrip()[:1] in (b"{", b"[") and not looks_like_tar(start)


def _is_layer(start: bytes) -> bool:
    return looks_like_tar(start) or start.startswith((GZIP, ZSTD))


def _digest_in(name: str) -> str | None:
    blob = BLOB_NAME.fullmatch(name)
    return f"sha256:{blob[1]}" if blob else None


def _known_diff_id(name: str, store: LayerStore) -> str | None:
    """The diffID of a member whose name is its digest and that was read before."""
    digest = _digest_in(name)
    if digest is None:
        return None
    return digest if store.has(digest) else store.diff_id_of_blob(digest)


def _is_known(name: str, store: LayerStore) -> bool:
    diff_id = _known_diff_id(name, store)
    return diff_id is not None and store.has(diff_id)


def _followed(name: str, links: Mapping[str, str]) -> str:
    """Docker before 25 writes a repeated layer as a symlink to the first."""
    for _ in links:
        if name not in links:
            break
        name = links[name]
    return name


def _require_layer(member: str, diff_id: str, read: Mapping[str, str]) -> None:
    if member not in read:
        raise ArchiveError(f"The archive lacks the layer {member!r}.", fix="Save the image again.")
    if read[member] != diff_id:
        raise ArchiveError(
            f"The layer {member!r} is not the one its image names: it was changed or damaged.", fix="Save the image again."
        )


@contextmanager
def _opened(path: Path) -> Iterator[ByteStream]:
    try:
        with path.open("rb") as file:
            size_bytes = path.stat().st_size
            compressed = file.read(len(GZIP)) == GZIP
            file.seek(0)

            def leap(count: int) -> None:
                if file.seek(count, 1) > size_bytes:
                    raise cut_short()

            chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
            yield ByteStream(gunzip(chunks)) if compressed else ByteStream(chunks, leap=leap)
    except OSError as problem:
        raise ArchiveError(
            f"{path} cannot be read: {problem.strerror or problem}.", fix="Give an archive of `docker save`."
        ) from None
