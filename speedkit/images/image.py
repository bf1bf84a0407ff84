"""An image as its layers and their files, and what follows from them: changes, the final tree, waste.

Wasted bytes are bytes stored in a layer that the final file system does not show: of a file written twice, the first
copy; of a removed file, all of it. Bytes seen through a hard link that is still there are shown.

    efficiency = (image_bytes - wasted_bytes) / image_bytes, and 1 for an image without bytes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from speedkit.errors import ArchiveError, NotInArchive
from speedkit.messages import message

from .files import DIRECTORY, OPAQUE, REGULAR, WHITEOUT, File, Files, typed_path
from .layer_reader import CONTENT_BYTES_AT_MOST
from .overlay import (
    ADDED,
    CHANGED,
    IMPLICIT,
    INDEX_MASK,
    LAYER_SHIFT,
    Merge,
    merge,
    numbers,
    walk,
)

__all__ = ["Change", "ChangeKind", "Image", "Layer", "StoredFile", "Waste", "make_image"]

ChangeKind = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image.

    digest: its diffID, the SHA-256 of its uncompressed archive. command: the instruction that made it, as the image's
    history has it; "" when it does not say. size_bytes: the sizes of its files, a hard link counted once.
    """

    digest: str
    command: str
    size_bytes: int
    contents: Files = field(repr=False, compare=False)

    @property
    def file_count(self) -> int:
        """Files that are not directories."""
        return self.contents.count

    @property
    def files(self) -> tuple[File, ...]:
        """All that the layer stores, in the order of its archive."""
        return tuple(self.each_file())

    def each_file(self) -> Iterator[File]:
        """The same, one after the other."""
        kinds = self.contents.kinds
        return (self.contents.file(index) for index in range(len(kinds)) if kinds[index] not in (WHITEOUT, OPAQUE))


@dataclass(frozen=True, slots=True)
class Change:
    """What a layer does to one path.

    size_bytes: of what the layer stores, 0 when it removes. before_bytes: of what was there.
    same_content: a changed file whose bytes are the old ones: only its mode, owner or time differ.
    """

    kind: ChangeKind
    path: str
    file_kind: str
    size_bytes: int
    before_bytes: int
    same_content: bool = False


@dataclass(frozen=True, slots=True)
class Waste:
    """Bytes stored under a path that the final file system does not show."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where the bytes of a regular file are stored.

    digest: the layer's diffID. path: inside the layer, without a leading slash. repeats: how many files of that path come
    before it in the layer's archive.
    """

    digest: str
    path: str
    repeats: int = 0


@dataclass(frozen=True)
class Image:
    """An image and its layers, lowest first.

    id: as the engine or the archive has it. name: what it was asked for by. source: what was read, in words, such as
    `the archive ./image.tar`.
    """

    id: str
    name: str
    layers: tuple[Layer, ...] = field(repr=False)
    source: str = ""

    @cached_property
    def merged(self) -> Merge:
        """The layers laid over each other."""
        return merge([layer.contents for layer in self.layers])

    @property
    def short_name(self) -> str:
        """The name, or the beginning of the id where it was asked for by that."""
        return self.name[:19] if self.name.startswith("sha256:") else self.name

    @property
    def image_bytes(self) -> int:
        """Bytes stored in all layers."""
        return sum(layer.size_bytes for layer in self.layers)

    @property
    def wasted_bytes(self) -> int:
        return sum(waste.size_bytes for waste in self.waste)

    @property
    def efficiency(self) -> float:
        """The share of the stored bytes that the final file system shows, 0 to 1."""
        return (self.image_bytes - self.wasted_bytes) / self.image_bytes if self.image_bytes else 1.0

    @cached_property
    def waste(self) -> tuple[Waste, ...]:
        """The paths whose stored bytes are not shown, most wasteful first."""
        found: dict[str, int] = {}
        for place, index in self._hidden:
            files = self.layers[place].contents
            path = files.paths[index]
            found[path] = found.get(path, 0) + files.sizes[index]
        return tuple(Waste("/" + path, size) for path, size in sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def wasted_by_layer(self) -> tuple[int, ...]:
        """For each layer, how many of its bytes the final file system does not show."""
        totals = [0] * len(self.layers)
        for place, index in self._hidden:
            totals[place] += self.layers[place].contents.sizes[index]
        return tuple(totals)

    @property
    def files(self) -> tuple[File, ...]:
        """The final file system, sorted by path."""
        return tuple(self.each_file())

    def each_file(self) -> Iterator[File]:
        """The same, one after the other."""
        for path, number in sorted(walk(self.merged.root)):
            if number == IMPLICIT:
                yield File("/" + path, "directory", 0, 0o755, 0, 0, "", "")
            else:
                yield self.merged.layers[number >> LAYER_SHIFT].file(number & INDEX_MASK, path=path)

    @cached_property
    def file_count(self) -> int:
        """Files of the final file system that are not directories."""
        return sum(number != IMPLICIT and self.merged.kind(number) != DIRECTORY for number in numbers(self.merged.root))

    def _repr_html_(self) -> str:
        from .summary import image_html

        return image_html(self)

    def changes(self, place: int) -> tuple[Change, ...]:
        """What the layer at a place (0 is the lowest) adds, changes and removes, sorted by path."""
        overlay, files = self.merged.overlays[place], self.layers[place].contents
        found = [
            self._change(files, index, overlay.before.get(index))
            for index, state in enumerate(overlay.states)
            if state in (ADDED, CHANGED)
        ]
        for path, number in overlay.removed.items():
            old = self._file(number)
            found.append(Change("removed", "/" + path, old.kind, 0, old.size_bytes))
        return tuple(sorted(found, key=lambda change: change.path))

    def change_counts(self, place: int) -> dict[str, int]:
        """How many paths the layer at a place adds, changes and removes."""
        overlay = self.merged.overlays[place]
        return {
            "added": overlay.states.count(ADDED),
            "changed": overlay.states.count(CHANGED),
            "removed": len(overlay.removed),
        }

    def locate(self, path: str, *, place: int | None = None) -> StoredFile:
        """Where the bytes of a file are stored that the image shows, or that the layer at a place has.

        Raises: ArchiveError when there is no such layer or regular file, or when it is too large to be shown.
        """
        if place is not None and not 0 <= place < len(self.layers):
            raise NotInArchive(
                message("{image} has no layer {number}.", image=self.name, number=place + 1),
                fix=message("It has {layers}.", layers=len(self.layers)),
            )
        where = self.merged if place is None else merge([self.layers[place].contents])
        node = where.find(typed_path(path))
        number = where.shown(node) if isinstance(node, int) else None
        if number is None or where.kind(number) != REGULAR:
            raise NotInArchive(
                message("There is no regular file {path} in {image}.", path=path, image=self.name),
                fix=message("List its files first."),
            )
        layer = self.layers[number >> LAYER_SHIFT if place is None else place]
        return _stored(layer, number & INDEX_MASK)

    def _change(self, files: Files, index: int, before: int | None) -> Change:
        new = files.file(index)
        if before is None:
            return Change("added", new.path, new.kind, new.size_bytes, 0)
        old = self._file(self.merged.shown(before))
        same = new.kind == old.kind == "file" and new.digest == old.digest
        return Change("changed", new.path, new.kind, new.size_bytes, old.size_bytes, same)

    def _file(self, number: int) -> File:
        return self.layers[number >> LAYER_SHIFT].contents.file(number & INDEX_MASK)

    @cached_property
    def _hidden(self) -> list[tuple[int, int]]:
        """Place and index of every file with bytes that the final file system does not show."""
        shown = [bytearray(len(layer.contents)) for layer in self.layers]
        for number in numbers(self.merged.root):
            if number != IMPLICIT:
                number = self.merged.shown(number)
                shown[number >> LAYER_SHIFT][number & INDEX_MASK] = 1
        return [
            (place, index)
            for place, layer in enumerate(self.layers)
            for index, (size, seen) in enumerate(zip(layer.contents.sizes, shown[place], strict=True))
            if size and not seen
        ]


def _stored(layer: Layer, index: int) -> StoredFile:
    files = layer.contents
    path = files.paths[index]
    if files.sizes[index] > CONTENT_BYTES_AT_MOST:
        raise ArchiveError(message("/{path} has {size:,} bytes; at most 16 MiB are shown.", path=path, size=files.sizes[index]))
    before = sum(files.kinds[at] == REGULAR for at, other in enumerate(files.paths[:index]) if other == path)
    return StoredFile(layer.digest, path, before)


def make_image(image_id: str, name: str, layers: Sequence[tuple[str, str, Files | None]], *, source: str = "") -> Image:
    """An image from the diffID, the command and the files of each layer. source: what was read, in words.

    Raises: ArchiveError when the files of a layer are missing.
    """
    made = []
    for diff_id, command, files in layers:
        if files is None:
            raise ArchiveError(
                message("The image {image} came without its layer {layer}.", image=name, layer=diff_id[:19]),
                fix=message("Try again."),
            )
        made.append(Layer(diff_id, command, files.size_bytes, files))
    return Image(image_id, name, tuple(made), source)
