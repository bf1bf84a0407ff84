"""Two images side by side: the layers they share, and the files in which their final file systems differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .files import File, FileKind
from .image import Image
from .overlay import IMPLICIT, walk

__all__ = ["Difference", "DifferenceKind", "FilePart", "ImageComparison", "compare_images", "differing_parts"]

DifferenceKind = Literal["added", "changed", "removed"]
FilePart = Literal["added", "removed", "kind", "content", "mode", "owner", "attributes"]
"""What differs at a path. `content` is the bytes of a file, or the target of a link; `attributes` are the extended ones."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that differs between two images.

    what: the part of a changed path that differs, "content" (bytes or link), "kind" or "owner or mode" (extended attributes
    too); "" for a path that only one image has. file_kind: in the second image, or in the first if the second has no such path.
    """

    kind: DifferenceKind
    path: str
    before_bytes: int
    after_bytes: int
    what: Literal["", "content", "kind", "owner or mode"] = ""
    file_kind: FileKind = "directory"


@dataclass(frozen=True, slots=True)
class ImageComparison:
    """The differences between two images.

    shared_layers: diffIDs that both have. same_start: the number of lowest layers that are equal; an engine stores and
    transfers them once. differences: sorted by path, without times of files, which every build sets anew.
    """

    shared_layers: tuple[str, ...]
    shared_bytes: int
    same_start: int
    differences: tuple[Difference, ...]


def compare_images(before: Image, after: Image) -> ImageComparison:
    """The differences of the final file systems, and the layers that both images have."""
    layers_before = {layer.digest for layer in before.layers}
    shared = {layer.digest: layer.size_bytes for layer in after.layers if layer.digest in layers_before}
    same_start = 0
    for old, new in zip(before.layers, after.layers, strict=False):
        if old.digest != new.digest:
            break
        same_start += 1
    return ImageComparison(tuple(shared), sum(shared.values()), same_start, _differences(before, after))


def differing_parts(before: Image, after: Image) -> dict[str, frozenset[FilePart]]:
    """All that differs at each path that is not the same in two images; times of files count nothing."""
    old_numbers, new_numbers = (dict(walk(image.analysis.merged.root)) for image in (before, after))
    parts: dict[str, frozenset[FilePart]] = {
        **{f"/{path}": frozenset(("removed",)) for path in old_numbers.keys() - new_numbers.keys()},
        **{f"/{path}": frozenset(("added",)) for path in new_numbers.keys() - old_numbers.keys()},
    }
    for path in old_numbers.keys() & new_numbers.keys():
        if _is_same(before, old_numbers[path], after, new_numbers[path]):
            continue
        old, new = _shown_file(before, old_numbers[path], path), _shown_file(after, new_numbers[path], path)
        if old is not None and new is not None and (differing := _parts(old, new)):
            parts[f"/{path}"] = differing
    return parts


def _parts(old: File, new: File) -> frozenset[FilePart]:
    pairs: tuple[tuple[FilePart, object, object], ...] = (
        ("kind", old.kind, new.kind),
        ("content", (old.size_bytes, old.digest, old.link), (new.size_bytes, new.digest, new.link)),
        ("mode", old.mode, new.mode),
        ("owner", (old.uid, old.gid), (new.uid, new.gid)),
        ("attributes", old.attributes, new.attributes),
    )
    return frozenset(part for part, was, now in pairs if was != now)


def _differences(before: Image, after: Image) -> tuple[Difference, ...]:
    old_numbers, new_numbers = (dict(walk(image.analysis.merged.root)) for image in (before, after))
    differences = []
    for path, number in new_numbers.items():
        if path not in old_numbers:
            new = _shown_file(after, number, path)
            differences.append(Difference("added", f"/{path}", 0, _bytes(new), "", _kind(new)))
        elif not _is_same(before, old_numbers[path], after, number):
            old, new = _shown_file(before, old_numbers[path], path), _shown_file(after, number, path)
            # Two different layers may store equal files.
            if old != new and old is not None and new is not None:
                differences.append(Difference("changed", f"/{path}", _bytes(old), _bytes(new), _what(old, new), new.kind))
    for path in old_numbers.keys() - new_numbers.keys():
        old = _shown_file(before, old_numbers[path], path)
        differences.append(Difference("removed", f"/{path}", _bytes(old), 0, "", _kind(old)))
    return tuple(sorted(differences, key=lambda difference: difference.path))


def _is_same(before: Image, old: int, after: Image, new: int) -> bool:
    """Both paths show the same file of the same layer, as most paths of two similar images do; then it need not be compared."""
    if IMPLICIT in (old, new):
        return old == new
    return _stored_at(before, old) == _stored_at(after, new)


def _stored_at(image: Image, number: int) -> tuple[str, int]:
    """The diffID of the layer that stores a file, for a hard link the file it names, and the file's index in the layer."""
    merged = image.analysis.merged
    number = merged.shown(number)
    place = merged.place_of(number)
    return image.layers[place].digest, number - merged.starts[place]


def _shown_file(image: Image, number: int, path: str) -> File | None:
    """What is at a path, for a hard link the file it names; None for a directory that no layer lists."""
    merged = image.analysis.merged
    return None if number == IMPLICIT else merged.files.file(merged.shown(number), path=path)


def _what(old: File, new: File) -> Literal["content", "kind", "owner or mode"]:
    if old.kind != new.kind:
        return "kind"
    if (old.size_bytes, old.digest, old.link) != (new.size_bytes, new.digest, new.link):
        return "content"
    return "owner or mode"


def _kind(file: File | None) -> FileKind:
    """The kind of a file; a path that no layer lists is the directory of another path."""
    return file.kind if file else "directory"


def _bytes(file: File | None) -> int:
    return file.size_bytes if file else 0
