"""An image: its layers and their files, its figures, the final file system, and what each layer changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal

from speedkit.errors import ArchiveError, NotInArchive
from speedkit.messages import message

from .analysis import Analysis, Waste, analyze
from .files import OPAQUE, REGULAR, WHITEOUT, File, Files, typed_path
from .layer_reader import CONTENT_BYTES_AT_MOST
from .overlay import ADDED, CHANGED, IMPLICIT, MergedLayers, merge_layers, walk

__all__ = ["Change", "ChangeKind", "Image", "Layer", "StoredFile", "make_image"]

ChangeKind = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image.

    digest: its diffID, the SHA-256 of its uncompressed archive. command: the instruction that made it, from the image's
    history; "" if that has none. size_bytes: of its files, with each hard link counted once.
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
        """The files of the layer in the order of its archive, without whiteouts."""
        return tuple(self.each_file())

    def each_file(self) -> Iterator[File]:
        """The same files, one by one."""
        kinds = self.contents.kinds
        return (self.contents.file(index) for index in range(len(kinds)) if kinds[index] not in (WHITEOUT, OPAQUE))


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a layer to one path.

    size_bytes: of the new file, 0 for a removed path. before_bytes: of the old file, 0 for an added path. same_content: a
    changed file has the same bytes as before, and only its mode, owner or time differ.
    """

    kind: ChangeKind
    path: str
    file_kind: str
    size_bytes: int
    before_bytes: int
    same_content: bool = False


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The place of a regular file's bytes.

    digest: the layer's diffID. path: inside the layer, without a leading slash. repeats: the number of regular files with this
    path before it in the layer's archive.
    """

    digest: str
    path: str
    repeats: int = 0


@dataclass(frozen=True)
class Image:
    """An image and its layers, lowest first.

    id: of the engine or the archive. name: from the request, or from the archive. source: the origin in words, such as
    `the archive ./image.tar`.
    """

    id: str
    name: str
    layers: tuple[Layer, ...] = field(repr=False)
    source: str = ""

    @cached_property
    def analysis(self) -> Analysis:
        """The figures, computed when they are first used."""
        return analyze([layer.contents for layer in self.layers])

    @property
    def short_name(self) -> str:
        """The name; the beginning of an id if the name is one."""
        return self.name[:19] if self.name.startswith("sha256:") else self.name

    @property
    def image_bytes(self) -> int:
        """Bytes stored in all layers."""
        return self.analysis.image_bytes

    @property
    def wasted_bytes(self) -> int:
        """Bytes stored in a layer that the final file system does not show."""
        return self.analysis.wasted_bytes

    @property
    def efficiency(self) -> float:
        """The share of the stored bytes that the final file system shows, 0 to 1."""
        return self.analysis.efficiency

    @property
    def waste(self) -> tuple[Waste, ...]:
        """The paths whose stored bytes are not shown, most wasteful first."""
        return self.analysis.waste

    @property
    def wasted_by_layer(self) -> tuple[int, ...]:
        """For each layer, how many of its bytes the final file system does not show."""
        return self.analysis.wasted_by_layer

    @property
    def file_count(self) -> int:
        """Files of the final file system that are not directories."""
        return self.analysis.file_count

    @property
    def files(self) -> tuple[File, ...]:
        """The final file system, sorted by path."""
        return tuple(self.each_file())

    def each_file(self) -> Iterator[File]:
        """The same files, one by one."""
        merged = self.analysis.merged
        for path, number in sorted(walk(merged.root)):
            if number == IMPLICIT:
                yield File("/" + path, "directory", 0, 0o755, 0, 0, "", "")
            else:
                yield merged.files.file(number, path=path)

    def _repr_html_(self) -> str:
        from .summary import image_html

        return image_html(self)

    def changes(self, place: int) -> tuple[Change, ...]:
        """The changes of the layer at a place (0 is the lowest), sorted by path."""
        merged = self.analysis.merged
        made = [_change(merged, number) for number in merged.numbers_of(place) if merged.states[number] in (ADDED, CHANGED)]
        for path, number in merged.removed[place].items():
            old = merged.files.file(number)
            made.append(Change("removed", "/" + path, old.kind, 0, old.size_bytes))
        return tuple(sorted(made, key=lambda change: change.path))

    def change_counts(self, place: int) -> dict[str, int]:
        """The numbers of paths that the layer at a place adds, changes and removes."""
        return asdict(self.analysis.changes_by_layer[place])

    def locate(self, path: str, *, place: int | None = None) -> StoredFile:
        """The place of the bytes of a file in the final file system, or in the layer at a place.

        Raises: ArchiveError if there is no such layer or regular file, or if it has more than 16 MiB.
        """
        if place is not None and not 0 <= place < len(self.layers):
            raise NotInArchive(
                message("{image} has no layer {number}.", image=self.name, number=place + 1),
                fix=message("It has {layers}.", layers=len(self.layers)),
            )
        merged = self.analysis.merged if place is None else merge_layers([self.layers[place].contents])
        node = merged.find(typed_path(path))
        number = merged.shown(node) if isinstance(node, int) else None
        if number is None or merged.kind(number) != REGULAR:
            raise NotInArchive(
                message("There is no regular file {path} in {image}.", path=path, image=self.name),
                fix=message("List its files first."),
            )
        layer_place = merged.place_of(number)
        layer, index = self.layers[layer_place if place is None else place], number - merged.starts[layer_place]
        files, stored_path = layer.contents, merged.files.paths[number]
        if merged.size(number) > CONTENT_BYTES_AT_MOST:
            raise ArchiveError(
                message("/{path} has {size:,} bytes; at most 16 MiB are shown.", path=stored_path, size=merged.size(number))
            )
        # An archive may list a path several times, and the last file counts.
        repeats = sum(files.kinds[at] == REGULAR for at, other in enumerate(files.paths[:index]) if other == stored_path)
        return StoredFile(layer.digest, stored_path, repeats)


def _change(merged: MergedLayers, number: int) -> Change:
    new = merged.files.file(number)
    if number not in merged.replaced:
        return Change("added", new.path, new.kind, new.size_bytes, 0)
    old = merged.files.file(merged.shown(merged.replaced[number]))
    same = new.kind == old.kind == "file" and new.digest == old.digest
    return Change("changed", new.path, new.kind, new.size_bytes, old.size_bytes, same)


def make_image(image_id: str, name: str, layers: Sequence[tuple[str, str, Files | None]], *, source: str = "") -> Image:
    """An image from the diffID, command and files of each layer. source: the origin in words.

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
