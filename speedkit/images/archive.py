"""Reads the image in a source: an archive, a folder in the layout of OCI, or the stream of an engine.

The digests in an archive are not trusted: each layer is read, and its digest is computed from its bytes. Only an engine is
trusted to send the layers that it names, because it checked them when the image was pulled, built or loaded.

A source on disk is read twice: first the documents, then the layers that they name. A stream can only be read once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from speedkit.errors import AlteredArchive, ArchiveError
from speedkit.messages import message

from .bytestream import ByteStream
from .files import Files, clean_path
from .image import Image, StoredFile, make_image
from .layer_reader import LayerReader, packing, read_layer
from .manifests import HOW_TO_SAVE, INDEXES, choose_image, describe_images
from .sources import Member, Source, source_on_disk
from .store import LayerStore
from .tar import BLOCK_BYTES, Header, looks_like_tar

__all__ = ["SavedImage", "errors_about", "read_archive", "read_content", "read_saved_image"]

DOCUMENT_BYTES_AT_MOST = 4 << 20
"""Registries refuse larger manifests (distribution-spec, "Pushing Manifests"). Parsed JSON takes ten times as much memory."""
DOCUMENTS_BYTES_AT_MOST = 16 << 20
UNPACKED_BYTES_AT_MOST = 256 << 30
"""Of all layers of an archive together: a few kilobytes can unpack to so much that reading takes days."""
LINKS_AT_MOST = 40  # Linux' MAXSYMLINKS
BLOB_NAME = re.compile(r"blobs/sha256/([0-9a-f]{64})")


@dataclass(slots=True)
class SavedImage:
    """The documents and layers from one pass over a source.

    documents: the JSON files by name. diff_ids: of the layers that were read, by member name. files: by diffID. links: the
    targets of links, by member name.
    """

    documents: dict[str, bytes] = field(default_factory=dict)
    diff_ids: dict[str, str] = field(default_factory=dict)
    files: dict[str, Files] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


def read_archive(path: Path, *, name: str | None = None, store: LayerStore | None = None) -> Image:
    """The image in an archive on disk, or in a folder in the layout of OCI.

    name: of one image, if the archive holds several.
    Raises: ArchiveError.
    """
    store, source = store or LayerStore(), source_on_disk(path)
    with errors_about(path):
        # The documents say which members are layers, and of which image. They may come after the layers.
        outline = _read_members(source, lambda _name, _start: False, store)
        documents = outline.documents | {
            link: outline.documents[target]
            for link in outline.links
            if (target := _followed(link, outline.links)) in outline.documents
        }
        image = choose_image(describe_images(documents), name)
        members = [_followed(layer, outline.links) for layer in image.layers]
        read = _read_members(source, lambda name, _start: name in members, store)
        for member, diff_id in zip(members, image.diff_ids, strict=True):
            if member not in read.diff_ids:
                raise ArchiveError(
                    message("The archive lacks the layer {layer!r}.", layer=member), fix=message("Save the image again.")
                )
            if read.diff_ids[member] != diff_id:
                raise AlteredArchive(
                    message(
                        "The layer {layer!r} does not match its digest in the image: it was changed or damaged.", layer=member
                    ),
                    fix=message("Save the image again."),
                )
        layers = [
            (diff_id, command, read.files[diff_id]) for diff_id, command in zip(image.diff_ids, image.commands, strict=True)
        ]
        return make_image(
            image.id, image.names[0] if image.names else path.name, layers, source=message("the archive {path}", path=path)
        )


def read_saved_image(source: Source, *, store: LayerStore, skipped: Collection[str] = ()) -> SavedImage:
    """The documents and layers in the stream of an engine.

    source: trusts the layers of the image. skipped: the diffIDs of layers that need not be read.
    Raises: ArchiveError.
    """
    trusted = source.trusted_layers

    def is_wanted(name: str, start: bytes) -> bool:
        if not _is_layer(start):
            return False
        # With containerd's image store, the name of a layer is the digest of its compressed bytes. Such a layer is read, unless
        # the store has its diffID from an earlier time.
        diff_id = _diff_id_by_name(name, trusted, store)
        return diff_id is None or (diff_id in trusted and diff_id not in skipped)

    return _read_members(source, is_wanted, store)


def read_content(source: Source, file: StoredFile, *, store: LayerStore | None = None) -> bytes:
    """The bytes of a file in one layer, at most 16 MiB. The rest of a stream is left unread.

    Raises: ArchiveError, also when the source has no such layer or file.
    """
    trusted, store = source.trusted_layers, store or LayerStore()
    with source.members() as members:
        for header, stream in members:
            # The name of a layer may be its diffID, the digest of its compressed bytes, or neither (Docker before 25). A layer
            # whose diffID is unknown is read, and its bytes give the diffID.
            diff_id = _diff_id_by_name(clean_path(header.name), trusted, store)
            if header.type != "0" or diff_id not in (file.digest, None):
                continue
            if not _is_layer(stream.peek(min(header.stored_bytes, BLOCK_BYTES))):
                continue
            reader = LayerReader(diff_id if trusted else None)
            layer_members = reader.members(stream, header.stored_bytes)
            content = _content_in_layer(reader, layer_members, file, is_trusted=bool(trusted and diff_id))
            # Without trust, the layer was read to its end, and the digest of its bytes shows whether it is the right one.
            if content is not None and reader.diff_id == file.digest:
                return content
    raise ArchiveError(
        message("The layer {layer} has no file /{path}.", layer=file.digest[:19], path=file.path),
        fix=message("List its files first."),
    )


@contextmanager
def errors_about(what: object) -> Iterator[None]:
    """Put the name of an archive, image or layer before the sentence of an ArchiveError."""
    try:
        yield
    except ArchiveError as problem:
        raise type(problem)(message("{what}: {problem}", what=what, problem=problem.what), fix=problem.fix) from None


def _content_in_layer(reader: LayerReader, members: Iterable[Header], file: StoredFile, *, is_trusted: bool) -> bytes | None:
    """The bytes of a file. is_trusted: the rest of the layer need not be read."""
    content = None
    repeats = file.repeats
    for member in members:
        if member.type != "0" or clean_path(member.name) != file.path:
            continue
        if not repeats:
            content = reader.content(member)
            if is_trusted:
                return content
        repeats -= 1
    return content


def _read_members(source: Source, is_wanted: Callable[[str, bytes], bool], store: LayerStore) -> SavedImage:
    """Go through a source once. is_wanted: whether to read a member as a layer, by its name and first block."""
    saved = SavedImage()
    unpacked = _Budget(UNPACKED_BYTES_AT_MOST)
    with source.members() as members:
        for header, stream in members:
            name = _place(clean_path(header.name), saved.links)
            # Of several members with one name, the last one counts, as in an unpacked archive.
            for by_name in (saved.documents, saved.diff_ids, saved.links):
                by_name.pop(name, None)
            # The target of a hard link counts from the root of the archive, that of a symlink from its own folder.
            if header.type in "12":
                base = name.rpartition("/")[0] if header.type == "2" else ""
                saved.links[name] = clean_path(f"{base}/{header.link}" if not header.link.startswith("/") else header.link)
            elif header.type == "0":
                start = stream.peek(min(header.stored_bytes, BLOCK_BYTES))
                if is_wanted(name, start):
                    _keep_layer(saved, name, (header, stream), store, source.trusted_layers, unpacked)
                elif name in INDEXES or (start.lstrip()[:1] in (b"{", b"[") and not looks_like_tar(start)):
                    _keep_document(saved.documents, name, stream, header)
    return saved


def _place(name: str, links: Mapping[str, str]) -> str:
    """The name of a member, with links to folders in it replaced by their targets."""
    parts = name.split("/")
    for count in range(1, len(parts)) if links else ():
        folder = "/".join(parts[:count])
        if folder in links:
            return clean_path(f"{_followed(folder, links)}/{'/'.join(parts[count:])}")
    return name


@dataclass(slots=True)
class _Budget:
    """The bytes that may still be unpacked."""

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
    saved: SavedImage, name: str, member: Member, store: LayerStore, trusted: frozenset[str], unpacked: _Budget
) -> None:
    header, stream = member
    digest = _digest_in(name)
    is_trusted = digest in trusted
    with errors_about(name):
        layer = read_layer(
            stream,
            header.stored_bytes,
            trusted_diff_id=digest if is_trusted else None,
            through=unpacked.spend,
            is_blob_hashed=not is_trusted,
        )
    if digest and not is_trusted and layer.blob_digest != digest:
        raise AlteredArchive(
            message("The bytes of {name} do not match the digest in its name.", name=name), fix=message("Save the image again.")
        )
    saved.diff_ids[name], saved.files[layer.diff_id] = layer.diff_id, layer.files
    store.keep(layer.diff_id, layer.files)
    if digest and digest != layer.diff_id:
        store.keep_blob(digest, layer.diff_id)


def _keep_document(documents: dict[str, bytes], name: str, stream: ByteStream, header: Header) -> None:
    if header.stored_bytes > DOCUMENT_BYTES_AT_MOST:
        if name in INDEXES:
            # If it was skipped, the other index would decide which image the archive holds.
            raise ArchiveError(
                message("{name} has {size:,} bytes; at most 4 MiB are read.", name=name, size=header.stored_bytes),
                fix=message(HOW_TO_SAVE),
            )
        return
    documents[name] = stream.take_all(header.stored_bytes)
    if sum(map(len, documents.values())) > DOCUMENTS_BYTES_AT_MOST:
        raise ArchiveError(message("The archive has more than 16 MiB of JSON, which is too much to describe an image."))


def _is_layer(start: bytes) -> bool:
    try:
        return looks_like_tar(start) or bool(packing(start))
    except ArchiveError:
        return False


def _digest_in(name: str) -> str | None:
    blob = BLOB_NAME.fullmatch(name)
    return f"sha256:{blob[1]}" if blob else None


def _diff_id_by_name(name: str, trusted: frozenset[str], store: LayerStore) -> str | None:
    """The diffID of a member whose name is that diffID, or the digest of a compressed layer in the store; else None."""
    digest = _digest_in(name)
    if digest is None or digest in trusted or store.has(digest):
        return digest
    return store.diff_id_of_blob(digest)


def _followed(name: str, links: Mapping[str, str]) -> str:
    """The target of a member that is a link: Docker before 25 writes a repeated layer as a symlink to the first."""
    for _ in range(LINKS_AT_MOST):
        if name not in links:
            break
        name = links[name]
    return name
