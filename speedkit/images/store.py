"""The store of layers: the files of each layer that was read, by diffID, so that no layer is read twice.

    <state>/layers/<diffID>         the files of a layer: a line of JSON, then its columns as they lie in memory
    <state>/layers/digests/<digest> the diffID of a compressed layer, by the digest of its compressed bytes
    <state>/layers/images/<id>      the instructions that made an image's layers

A file is written under another name and renamed. If it is damaged, has another format, or is from a machine with another byte
order, the layer is read from the image again. A full disk costs only time: the layer is not stored.

speedkit.images.files is imported in functions, so that it is loaded only when a layer is read.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import zlib
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speedkit.errors import StateRefused
from speedkit.ownership import claimed
from speedkit.state import open_private, private_folder, state_folder, state_home

if TYPE_CHECKING:
    from .files import Files

__all__ = ["LayerStore"]

FORMAT = f"speedkit-layer 4 {sys.byteorder}"
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class LayerStore:
    """The layers that were read before.

    folder: None for `layers` in the state folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            try:
                folder = state_folder("layers")
            except StateRefused:
                # Reading from a folder that is not there finds nothing, and writing to it fails without an error.
                folder = state_home() / "layers"
        self.folder = folder

    def layer(self, diff_id: str) -> Files | None:
        """The files of a layer; None if it is not in the store, or damaged there."""
        data = self._read(diff_id)
        try:
            return _unpack(data) if data is not None else None
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def has(self, diff_id: str) -> bool:
        """Whether the store has a file for the layer, which may be damaged."""
        path = self._path(diff_id)
        return path is not None and path.is_file()

    def keep(self, diff_id: str, files: Files) -> None:
        from .store_limit import keep_layers_at_the_end

        self._write(diff_id, _pack(files))
        keep_layers_at_the_end(self.folder)

    def diff_id_of_blob(self, digest: str) -> str | None:
        """The diffID of a compressed layer by the digest of its compressed bytes; None if it was not read before."""
        data = self._read(digest, "digests")
        text = data.decode("ascii", "replace") if data else ""
        return text if DIGEST.fullmatch(text) else None

    def keep_blob(self, digest: str, diff_id: str) -> None:
        self._write(digest, diff_id.encode(), "digests")

    def commands(self, image_id: str) -> list[str] | None:
        """The instruction of each layer of an image; None if they are not in the store."""
        data = self._read(image_id, "images")
        try:
            commands = json.loads(data) if data else None
        except (ValueError, RecursionError):
            return None
        return commands if isinstance(commands, list) and all(isinstance(command, str) for command in commands) else None

    def keep_commands(self, image_id: str, commands: list[str]) -> None:
        self._write(image_id, json.dumps(commands).encode(), "images")

    def _path(self, digest: str, *parts: str) -> Path | None:
        match = DIGEST.fullmatch(digest)
        return self.folder.joinpath(*parts, match[1]) if match else None

    def _read(self, digest: str, *parts: str) -> bytes | None:
        path = self._path(digest, *parts)
        try:
            return path.read_bytes() if path else None
        except OSError:
            return None

    def _write(self, digest: str, data: bytes, *parts: str) -> None:
        path = self._path(digest, *parts)
        if path is None:
            return
        # The leading dot hides a file from `keep_layers` until it is complete.
        unfinished = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
        with contextlib.suppress(OSError), claimed(unfinished):
            private_folder(path.parent)
            try:
                with open_private(unfinished) as out:
                    out.write(data)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)


def _pack(files: Files) -> bytes:
    columns = [
        "\0".join(files.paths).encode(),
        "\0".join(files.links).encode(),
        bytes(files.kinds),
        files.sizes.tobytes(),
        files.modes.tobytes(),
        files.uids.tobytes(),
        files.gids.tobytes(),
        bytes(files.digests),
        json.dumps(list(files.attributes.items())).encode() if files.attributes else b"",
    ]
    body = b"".join(columns)
    head = {"format": FORMAT, "files": len(files), "columns": [len(column) for column in columns], "crc": zlib.crc32(body)}
    return json.dumps(head).encode() + b"\n" + body


def _unpack(data: bytes) -> Files:
    """Raises: ValueError, KeyError, TypeError or RecursionError when the data is not what _pack wrote."""
    from .files import DIGEST_BYTES, Files

    line, _, body = data.partition(b"\n")
    head: dict[str, Any] = json.loads(line)
    # The checksum finds damage that leaves the lengths as they are.
    if head["format"] != FORMAT or zlib.crc32(body) != head["crc"] or sum(head["columns"]) != len(body):
        raise ValueError
    columns = []
    for length in head["columns"]:
        columns.append(body[:length])
        body = body[length:]

    files, count = Files(), head["files"]
    paths, links, kinds, sizes, modes, uids, gids, digests, attributes = columns
    files.paths = paths.decode().split("\0") if count else []
    files.links = links.decode().split("\0") if count else []
    files.kinds = bytearray(kinds)
    files.sizes, files.modes = array("q", sizes), array("H", modes)
    files.uids, files.gids = array("I", uids), array("I", gids)
    files.digests = bytearray(digests)
    files.attributes = {int(number): str(digest) for number, digest in json.loads(attributes)} if attributes else {}
    lengths = {
        len(column) for column in (files.paths, files.links, files.kinds, files.sizes, files.modes, files.uids, files.gids)
    }
    if lengths != {count} or len(files.digests) != count * DIGEST_BYTES:
        raise ValueError
    return files
