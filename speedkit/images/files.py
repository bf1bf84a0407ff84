"""The files of one layer, in columns: about 150 bytes per file, so that a million files fit into memory.

Paths have no leading slash here; `File` adds it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from xxhash import xxh3_128_hexdigest

from speedkit.errors import ArchiveError
from speedkit.messages import message

from .tar import Header

__all__ = ["DIGEST_BYTES", "OPAQUE", "WHITEOUT", "File", "FileKind", "Files", "clean_path", "typed_path"]

FileKind = Literal["file", "directory", "symlink", "hard link", "character device", "block device", "fifo"]

KINDS: dict[int, FileKind] = {
    ord("0"): "file",
    ord("1"): "hard link",
    ord("2"): "symlink",
    ord("3"): "character device",
    ord("4"): "block device",
    ord("5"): "directory",
    ord("6"): "fifo",
}
WHITEOUT, OPAQUE = ord("w"), ord("o")
REGULAR, HARD_LINK, SYMLINK, DIRECTORY = ord("0"), ord("1"), ord("2"), ord("5")

COLUMNS = ("digests", "gids", "kinds", "links", "modes", "paths", "sizes", "uids")
DIGEST_BYTES = 16
NO_DIGEST = bytes(DIGEST_BYTES)
FILES_AT_MOST = 5_000_000
ID_AT_MOST = (1 << 32) - 1

WHITEOUT_PREFIX = ".wh."
OPAQUE_NAME = ".wh..wh..opq"
AUFS_PREFIX = ".wh..wh."
"""Names of the bookkeeping of AUFS. Files below a folder of such a name are ordinary: all storage drivers unpack them."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a layer or of the final file system.

    link: the target of a symlink or a hard link. digest: the XXH3-128 of its bytes; "" for anything but a regular file.
    attributes: the XXH3-128 of its extended attributes, such as capabilities; "" for none.
    """

    path: str
    kind: FileKind
    size_bytes: int
    mode: int
    uid: int
    gid: int
    link: str
    digest: str
    attributes: str = ""


class Files:
    """The files of a layer in the order of its archive, and its whiteouts.

    kinds: a tar type letter for each, or WHITEOUT (the path is removed), or OPAQUE (the files in this folder are removed).
    attributes: digests of extended attributes, by number: few files have some.
    """

    __slots__ = ("attributes", "digests", "gids", "kinds", "links", "modes", "paths", "sizes", "uids")

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.links: list[str] = []
        self.kinds = bytearray()
        self.sizes = array("q")
        self.modes = array("H")
        self.uids = array("I")
        self.gids = array("I")
        self.digests = bytearray()
        self.attributes: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def add(self, header: Header, digest: bytes) -> None:
        """Add a member of the layer's archive.

        Raises: ArchiveError.
        """
        path = clean_path(header.name)
        kind = ord(header.type)
        name = path[path.rfind("/") + 1 :]
        if name.startswith(AUFS_PREFIX) and name != OPAQUE_NAME:
            return
        if name.startswith(WHITEOUT_PREFIX):
            kind = OPAQUE if name == OPAQUE_NAME else WHITEOUT
            path = _hidden_path(path, name)
        if not path and kind != OPAQUE:
            return
        if len(self.paths) >= FILES_AT_MOST:
            raise ArchiveError(message("A layer has more than {limit:,} files.", limit=FILES_AT_MOST))
        if header.uid > ID_AT_MOST or header.gid > ID_AT_MOST:
            raise ArchiveError(message("The owner of {name!r} is an impossible number.", name=header.name))
        if header.attributes:
            self.attributes[len(self.paths)] = xxh3_128_hexdigest(repr(sorted(header.attributes.items())).encode())
        self.paths.append(path)
        self.links.append(clean_path(header.link) if kind == HARD_LINK else header.link)
        self.kinds.append(kind)
        self.sizes.append(header.size_bytes if kind == REGULAR else 0)
        self.modes.append(header.mode)
        self.uids.append(header.uid)
        self.gids.append(header.gid)
        self.digests += digest if kind == REGULAR else NO_DIGEST

    def file(self, index: int, *, path: str = "") -> File:
        """The file at an index. path: its path in the final file system, if that differs."""
        at = index * DIGEST_BYTES
        digest = self.digests[at : at + DIGEST_BYTES]
        return File(
            path="/" + (path or self.paths[index]),
            kind=KINDS[self.kinds[index]],
            size_bytes=self.sizes[index],
            mode=self.modes[index],
            uid=self.uids[index],
            gid=self.gids[index],
            link=self.links[index],
            digest=digest.hex() if self.kinds[index] == REGULAR else "",
            attributes=self.attributes.get(index, ""),
        )

    @classmethod
    def joined(cls, layers: Iterable[Files]) -> Files:
        """The files of several layers as those of one, in the order of the layers."""
        joined = cls()
        for files in layers:
            joined.attributes |= {len(joined) + index: digest for index, digest in files.attributes.items()}
            for column in COLUMNS:
                getattr(joined, column).extend(getattr(files, column))
        return joined

    @property
    def size_bytes(self) -> int:
        return sum(self.sizes)

    @property
    def count(self) -> int:
        """Files that are not directories."""
        return len(self.kinds) - sum(self.kinds.count(kind) for kind in (DIRECTORY, WHITEOUT, OPAQUE))


def clean_path(name: str) -> str:
    """A path inside the image, without a leading slash. `..` never leaves the root, as when an engine unpacks a layer."""
    name = name.strip("/")
    if "/." not in name and "//" not in name and not name.startswith("."):
        return name
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def typed_path(text: str) -> str:
    """A path from a user in the form of the paths here: bytes that are not UTF-8 become backslash escapes."""
    return clean_path(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def _hidden_path(path: str, name: str) -> str:
    """The path that a whiteout removes, or the folder that it empties (image-spec, layer.md, "Whiteouts")."""
    folder = path[: -len(name)]
    if name == OPAQUE_NAME:
        return folder.rstrip("/")
    hidden = name[len(WHITEOUT_PREFIX) :]
    if hidden in ("", ".", ".."):
        raise ArchiveError(message("A layer has the whiteout {path!r}, which hides an impossible file name.", path=path))
    return folder + hidden
