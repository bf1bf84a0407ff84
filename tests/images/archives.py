"""Writes small image archives: as `docker save` does with either image store, and as OCI has them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import zstandard

from speedkit.images.bytestream import ByteStream
from speedkit.images.files import Files
from speedkit.images.image import Image, make_image
from speedkit.images.layer_reader import read_layer

Member = tuple[str, object]
Compress = Callable[[bytes], bytes]
COMPRESSIONS: tuple[Compress, ...] = (bytes, gzip.compress, zstandard.compress)
"""How a layer may be stored: as it is, or by what an image specification names."""
TYPES = {"link": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE, "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE}


def layer(*members: Member, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002
    """A layer's archive: name → bytes for a file, None for a directory, "-> x" for a symlink, "link x" for a hard link,
    "fifo", "char" or "block", or a mode (an int) for a directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, errors="surrogateescape") as archive:
        for name, what in members:
            archive.addfile(*_member(name, what))
    return out.getvalue()


def _member(name: str, what: object) -> tuple[tarfile.TarInfo, io.BytesIO | None]:
    info = tarfile.TarInfo(name)
    if isinstance(what, bytes):
        info.size = len(what)
        return info, io.BytesIO(what)
    if what is None or isinstance(what, int):
        info.type, info.mode = tarfile.DIRTYPE, 0o755 if what is None else what
        return info, None
    kind, _, target = str(what).partition(" ")
    info.type = tarfile.SYMTYPE if kind == "->" else TYPES[kind]
    info.linkname = target
    return info, None


def files_of(data: bytes) -> Files:
    return read_layer(ByteStream([data]), len(data)).files


def image_of(*layers: bytes) -> Image:
    """An image straight from its layers' archives."""
    read = [read_layer(ByteStream([data]), len(data)) for data in layers]
    return make_image("sha256:0", "test", [(one.diff_id, f"layer {place}", one.files) for place, one in enumerate(read)])


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob(data: bytes) -> str:
    return f"blobs/sha256/{digest(data)}"


def config(layers: Sequence[bytes], commands: Sequence[str | None], architecture: str = "amd64") -> bytes:
    """An image's config; a command of None is an instruction without a layer."""
    history = [{"created_by": command or "ENV A=1", "empty_layer": command is None} for command in commands]
    diff_ids = [f"sha256:{digest(data)}" for data in layers]
    return json.dumps({"architecture": architecture, "rootfs": {"diff_ids": diff_ids}, "history": history}).encode()


def docker_archive(
    path: Path, layers: Sequence[bytes], commands: Sequence[str | None] = (), *, compress: Compress = bytes, tag: str = "test:1"
) -> Path:
    """What `docker save` writes since version 25; compress: as with the containerd image store."""
    stored = [compress(data) for data in layers]
    about = config(layers, commands)
    manifest = [{"Config": blob(about), "RepoTags": [tag], "Layers": [blob(data) for data in stored]}]
    members = {blob(data): data for data in (*stored, about)} | {"manifest.json": json.dumps(manifest).encode()}
    return write_archive(path, members)


def oci_archive(path: Path, images: Sequence[tuple[str, str, Sequence[bytes]]]) -> Path:
    """An OCI archive of images, each an architecture, a name and layers, under one nested index with an attestation."""
    members: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def put(data: bytes) -> dict[str, object]:
        members[blob(data)] = data
        return {"digest": f"sha256:{digest(data)}", "size": len(data)}

    listed = []
    for architecture, name, layers in images:
        described = {
            "config": put(config(layers, ["COPY . ."], architecture)),
            "layers": [put(gzip.compress(x)) for x in layers],
        }
        listed.append(
            put(json.dumps(described).encode())
            | {"platform": {"os": "linux", "architecture": architecture}}
            | ({"annotations": {"org.opencontainers.image.ref.name": name}} if name else {})
        )
    listed.append(put(b'{"layers": []}') | {"platform": {"os": "unknown", "architecture": "unknown"}})
    index = put(json.dumps({"manifests": listed}).encode())
    members["index.json"] = json.dumps({"manifests": [index]}).encode()
    return write_archive(path, members)


def write_archive(path: Path, members: dict[str, bytes]) -> Path:
    path.write_bytes(layer(*members.items(), format=tarfile.USTAR_FORMAT))
    return path
