"""Two images side by side: the layers they share, and the files in which their final file systems differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from speedkit.images.files import File
from speedkit.images.image import Image
from speedkit.images.merging import IMPLICIT, INDEX_MASK, LAYER_SHIFT, walk

__all__ = ["Difference", "ImageComparison", "compare_images"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A path in which two images differ.

    what: "content" (bytes or link), "kind" or "owner or mode" of a changed path; "" where it is only in one of them.
    """

    kind: Literal["added", "changed", "removed"]
    path: str
    before_bytes: int
    after_bytes: int
    what: Literal["", "content", "kind", "owner or mode"] = ""


@dataclass(frozen=True, slots=True)
class ImageComparison:
    """What is different in the second image.

    shared_layers: diffIDs that both have. same_start: how many of the lowest layers are the same: those are stored and
    transferred once. differences: sorted by path; times of files are not looked at, since every build sets them anew.
    """

    shared_layers: tuple[str, ...]
    shared_bytes: int
    same_start: int
    differences: tuple[Difference, ...]


def compare_images(before: Image, after: Image) -> ImageComparison:
    """What the second image has that the first has not, and the other way round."""
    held = {layer.digest for layer in before.layers}
    shared = {layer.digest: layer.size_bytes for layer in after.layers if layer.digest in held}
    same_start = 0
    for old, new in zip(before.layers, after.layers, strict=False):
        if old.digest != new.digest:
            break
        same_start += 1
    differences = _differences(_shown_files(before), _shown_files(after))
    return ImageComparison(tuple(shared), sum(shared.values()), same_start, differences)


def _shown_files(image: Image) -> dict[str, File | None]:
    """Each path of the final file system with the file it shows; a hard link shows the one it names."""
    found: dict[str, File | None] = {}
    for path, number in walk(image.merged.root):
        if number == IMPLICIT:
            found[path] = None
        else:
            number = image.merged.shown(number)
            found[path] = image.layers[number >> LAYER_SHIFT].contents.file(number & INDEX_MASK, path=path)
    return found


def _differences(before: dict[str, File | None], after: dict[str, File | None]) -> tuple[Difference, ...]:
    found = []
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if path not in after:
            found.append(Difference("removed", f"/{path}", _bytes(old), 0))
        elif path not in before:
            found.append(Difference("added", f"/{path}", 0, _bytes(new)))
        elif old != new and old is not None and new is not None:
            found.append(Difference("changed", f"/{path}", _bytes(old), _bytes(new), _what(old, new)))
    return tuple(sorted(found, key=lambda difference: difference.path))


def _what(old: File, new: File) -> Literal["content", "kind", "owner or mode"]:
    if old.kind != new.kind:
        return "kind"
    if (old.size_bytes, old.digest, old.link) != (new.size_bytes, new.digest, new.link):
        return "content"
    return "owner or mode"


def _bytes(file: File | None) -> int:
    return file.size_bytes if file else 0
