"""Image archives: `docker save` files, OCI archives and folders, and the stream of an engine. Nothing is unpacked to disk.

What an archive says of itself is believed of no layer: each is read, and its digest is that of the bytes read. Only an engine
is believed to send the layers that it names; it has checked them when it took the image in.

Members may come in any order: Docker writes the layers first and says last which they are. An archive on disk is gone
through twice, by seeking: first its documents, then the layers not read before. A stream is gone through once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from speedkit.errors import AlteredArchive, ArchiveError
from speedkit.messages import message

from .archive_names import OCI_MARK
from .bytestream import CHUNK_BYTES, ByteStream, cut_short
from .files import Files, clean_path
from .image import Image, StoredFile, make_image
from .layer_reader import LayerReader, packing, read_layer, uncompressed
from .manifests import HOW_TO_SAVE, INDEXES, choose_image, describe_images
from .store import LayerStore
from .tar import BLOCK_BYTES, Header, looks_like_tar, scan

__all__ = ["SavedImage", "about", "read_archive", "read_archive_content", "read_content", "read_saved_image"]

DOCUMENT_BYTES_AT_MOST = 4 << 20
"""Registries refuse larger manifests (distribution-spec, "Pushing Manifests"). Parsed, JSON takes ten times the room."""
DOCUMENTS_BYTES_AT_MOST = 16 << 20
UNPACKED_BYTES_AT_MOST = 256 << 30
"""Of all layers of an archive together: a few kilobytes can be packed so that they would be read for days."""
LINKS_AT_MOST = 40  # Linux' MAXSYMLINKS
BLOB_NAME = re.compile(r"blobs/sha256/([0-9a-f]{64})")

Member = tuple[Header, ByteStream]
"""A member of an archive, and the stream from which its data is read until the next one is asked for."""


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
    """The image in an archive on disk, or in a folder in the layout of OCI.

    name: which one, when the archive holds several.
    Raises: ArchiveError.
    """
    store = store or LayerStore()
    with about(path):
        with _opened(path) as archive:
            outline = _read_members(archive, lambda _name, _start: False, store)
        documents = outline.documents | {
            link: outline.documents[target]
            for link in outline.links
            if (target := _followed(link, outline.links)) in outline.documents
        }
        image = choose_image(describe_images(documents), name)
        members = [_followed(layer, outline.links) for layer in image.layers]
        with _opened(path) as archive:
            read = _read_members(archive, lambda name, _start: name in members, store)
        for member, diff_id in zip(members, image.diff_ids, strict=True):
            _require_layer(member, diff_id, read.diff_ids)
        layers = [
            (diff_id, command, read.files[diff_id]) for diff_id, command in zip(image.diff_ids, image.commands, strict=True)
        ]
        return make_image(
            image.id, image.names[0] if image.names else path.name, layers, source=message("the archive {path}", path=path)
        )


def read_saved_image(
    stream: ByteStream, diff_ids: Iterable[str], *, store: LayerStore, known: Collection[str] = ()
) -> SavedImage:
    """What an engine sends for an image.

    diff_ids: those of the image, as the engine says: a member named by one of them is taken to be it.
    known: the diffIDs of layers that are at hand; they are passed over.
    Raises: ArchiveError.
    """
    vouched = frozenset(diff_ids)

    def is_wanted(name: str, start: bytes) -> bool:
        if not _is_layer(start):
            return False
        diff_id = _diff_id_by_name(name, vouched, store)
        return diff_id is None or (diff_id in vouched and diff_id not in known)

    return _read_members(_members_of(stream), is_wanted, store, vouched=vouched)


def read_archive_content(path: Path, file: StoredFile, *, store: LayerStore | None = None) -> bytes:
    """The bytes of a file in one layer of an archive on disk, at most 16 MiB.

    Raises: ArchiveError.
    """
    with about(path), _opened(path) as archive:
        return _read_content(archive, file, frozenset(), store or LayerStore())


def read_content(stream: ByteStream, file: StoredFile, diff_ids: Iterable[str], *, store: LayerStore) -> bytes:
    """The bytes of a file in one layer of what an engine sends, at most 16 MiB. The rest of the stream is left unread.

    diff_ids: those of the image, as the engine says.
    Raises: ArchiveError, also when the stream has no such layer or file.
    """
    return _read_content(_members_of(stream), file, frozenset(diff_ids), store)


@contextmanager
def about(what: object) -> Iterator[None]:
    """Let an ArchiveError say first which archive, image or layer it is about."""
    try:
        yield
    except ArchiveError as problem:
        raise type(problem)(message("{what}: {problem}", what=what, problem=problem.what), fix=problem.fix) from None


def _read_content(archive: Iterable[Member], file: StoredFile, vouched: frozenset[str], store: LayerStore) -> bytes:
    """vouched: diffIDs that need no proof; where there are none, a layer is read to its end and told by its bytes."""
    for header, stream in archive:
        diff_id = _diff_id_by_name(clean_path(header.name), vouched, store)
        if header.type != "0" or diff_id not in (file.digest, None):
            continue
        if not _is_layer(stream.peek(min(header.stored_bytes, BLOCK_BYTES))):
            continue
        reader = LayerReader(diff_id if vouched else None)
        content = None
        repeats = file.repeats
        for member in reader.members(stream, header.stored_bytes):
            if member.type != "0" or clean_path(member.name) != file.path:
                continue
            if not repeats:
                content = reader.content(member)
                if vouched and diff_id:
                    return content
            repeats -= 1
        if content is not None and reader.diff_id == file.digest:
            return content
    raise ArchiveError(
        message("The layer {layer} has no file /{path}.", layer=file.digest[:19], path=file.path),
        fix=message("List its files first."),
    )


def _members_of(stream: ByteStream) -> Iterator[Member]:
    return ((header, stream) for header in scan(stream))


def _read_members(
    archive: Iterable[Member],
    is_wanted: Callable[[str, bytes], bool],
    store: LayerStore,
    *,
    vouched: frozenset[str] = frozenset(),
) -> SavedImage:
    found = SavedImage()
    unpacked = _Budget(UNPACKED_BYTES_AT_MOST)
    for header, stream in archive:
        name = _place(clean_path(header.name), found.links)
        # Whoever unpacks the archive has the last of several members of one name.
        for known in (found.documents, found.diff_ids, found.links):
            known.pop(name, None)
        if header.type in "12":
            base = name.rpartition("/")[0] if header.type == "2" else ""
            found.links[name] = clean_path(f"{base}/{header.link}" if not header.link.startswith("/") else header.link)
        elif header.type == "0":
            start = stream.peek(min(header.stored_bytes, BLOCK_BYTES))
            if is_wanted(name, start):
                _keep_layer(found, name, stream, header, store, vouched, unpacked)
            elif name in INDEXES or _is_document(start):
                _keep_document(found.documents, name, stream, header)
    return found


def _place(name: str, links: Mapping[str, str]) -> str:
    """Where a member is that is named through links to folders."""
    parts = name.split("/")
    for count in range(1, len(parts)) if links else ():
        folder = "/".join(parts[:count])
        if folder in links:
            return clean_path(f"{_followed(folder, links)}/{'/'.join(parts[count:])}")
    return name


@dataclass(slots=True)
class _Budget:
    """Bytes that may still be unpacked."""

    left_bytes: int

    def spend(self, chunks: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        for chunk in chunks:
            self.left_bytes -= len(chunk)
            if self.left_bytes < 0:
                raise ArchiveError(
                    message("Its layers unpack to more than {gib} GiB; no more is read.", gib=UNPACKED_BYTES_AT_MOST >> 30)
                )
            yield chunk


def _keep_layer(
    found: SavedImage,
    name: str,
    stream: ByteStream,
    header: Header,
    store: LayerStore,
    vouched: frozenset[str],
    unpacked: _Budget,
) -> None:
    digest = _digest_in(name)
    is_vouched = digest in vouched
    with about(name):
        layer = read_layer(
            stream,
            header.stored_bytes,
            vouched=digest if is_vouched else None,
            through=unpacked.spend,
            is_blob_hashed=not is_vouched,
        )
    if digest and not is_vouched and layer.blob_digest != digest:
        raise AlteredArchive(
            message("The bytes of {name} are not those that it is named by.", name=name), fix=message("Save the image again.")
        )
    found.diff_ids[name], found.files[layer.diff_id] = layer.diff_id, layer.files
    store.keep(layer.diff_id, layer.files)
    if digest and digest != layer.diff_id:
        store.keep_blob(digest, layer.diff_id)


def _keep_document(documents: dict[str, bytes], name: str, stream: ByteStream, header: Header) -> None:
    if header.stored_bytes > DOCUMENT_BYTES_AT_MOST:
        if name in INDEXES:
            # Passed over, another document would say which image this is.
            raise ArchiveError(
                message("{name} has {size:,} bytes; at most 4 MiB are read.", name=name, size=header.stored_bytes),
                fix=message(HOW_TO_SAVE),
            )
        return
    documents[name] = stream.take_all(header.stored_bytes)
    if sum(map(len, documents.values())) > DOCUMENTS_BYTES_AT_MOST:
        raise ArchiveError(message("The archive has more than 16 MiB of JSON: it describes no image that could be shown."))


def _is_document(start: bytes) -> bool:
    return start.lstrip()[:1] in (b"{", b"[") and not looks_like_tar(start)


def _is_layer(start: bytes) -> bool:
    try:
        return looks_like_tar(start) or bool(packing(start))
    except ArchiveError:
        return False


def _digest_in(name: str) -> str | None:
    blob = BLOB_NAME.fullmatch(name)
    return f"sha256:{blob[1]}" if blob else None


def _diff_id_by_name(name: str, vouched: frozenset[str], store: LayerStore) -> str | None:
    """The diffID of a member that is named by it, or by the digest of a layer that was read before."""
    digest = _digest_in(name)
    if digest is None or digest in vouched or store.has(digest):
        return digest
    return store.diff_id_of_blob(digest)


def _followed(name: str, links: Mapping[str, str]) -> str:
    """Docker before 25 writes a repeated layer as a symlink to the first."""
    for _ in range(LINKS_AT_MOST):
        if name not in links:
            break
        name = links[name]
    return name


def _require_layer(member: str, diff_id: str, read: Mapping[str, str]) -> None:
    if member not in read:
        raise ArchiveError(
            message("The archive lacks the layer {layer!r}.", layer=member), fix=message("Save the image again.")
        )
    if read[member] != diff_id:
        raise AlteredArchive(
            message("The layer {layer!r} is not the one its image names: it was changed or damaged.", layer=member),
            fix=message("Save the image again."),
        )


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[Member]]:
    """The members of an archive or of a folder.

    Raises: ArchiveError when it cannot be read.
    """
    try:
        if path.is_dir():
            yield _members_in(path)
            return
        with _stream_of(path) as stream:
            yield _members_of(stream)
    except OSError as problem:
        raise ArchiveError(
            message("It cannot be read: {reason}.", reason=problem.strerror or problem),
            fix=message("Give an archive of `docker save`."),
        ) from None


def _members_in(folder: Path) -> Iterator[Member]:
    """The files of a folder in the layout of OCI, as an archive of it would have them."""
    if not (folder / OCI_MARK).is_file():
        raise ArchiveError(
            message("This is a folder without an image: it has no file {file}.", file=OCI_MARK), fix=message(HOW_TO_SAVE)
        )
    # os.walk goes down by a list, where Path.rglob calls itself for each level.
    for path in sorted(Path(place, name) for place, _, names in os.walk(folder) for name in names):
        if path.is_file() and not path.is_symlink():
            size_bytes = path.stat().st_size
            name = path.relative_to(folder).as_posix()
            with path.open("rb") as file:
                yield Header(name, "0", size_bytes, size_bytes, 0, 0, 0, "", sparse=False), ByteStream(_chunks_of(file))


@contextmanager
def _stream_of(path: Path) -> Iterator[ByteStream]:
    with path.open("rb") as file:
        size_bytes = path.stat().st_size
        is_compressed = bool(packing(file.read(BLOCK_BYTES)))
        file.seek(0)

        def leap(count: int) -> None:
            if file.seek(count, 1) > size_bytes:
                raise cut_short()

        chunks = _chunks_of(file)
        if is_compressed:
            yield ByteStream(uncompressed(ByteStream(chunks), size_bytes))
        else:
            yield ByteStream(chunks, leap=leap)


def _chunks_of(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(CHUNK_BYTES), b"")
