"""What a stage made of copies alone holds at a path, without building it.

In a stage that starts from scratch and only copies, the bytes at a path follow from the copied files. They have a derivation:
a digest of the vertices and files that made them. Equal derivations mean equal bytes. Different ones tell nothing.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from typing import TYPE_CHECKING

from .content_digest import Selector

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .vertices import Edge, Vertex

__all__ = ["derivation"]


_COPIES = ""
"""The key of the `_StageOfCopies` in `Vertex.derivations`; the other keys are paths."""
_DEEPEST = 100
"""How many stages, each copying from the one before, are followed in one go: each takes several calls of Python's stack."""


def derivation(edge: Edge, *, depth: int = 0) -> Hashable | None:
    """Stands for the bytes that an input reads; None when a command, an image or an address decides them."""
    if depth > _DEEPEST:
        # "Unknown" is never wrong: the step is forecast to depend on its bytes.
        return None
    pieces = [_at_path(edge.vertex, _path_before_wildcard(selector), depth) for selector in edge.selectors]
    if not pieces or any(piece is None for piece in pieces):
        return None
    return ("derived", _digest((edge.selectors, tuple(pieces))))


def _digest(value: Hashable) -> str:
    # Stages copy from stages that copy from stages. Nested values would double in size with each of them, and so would the
    # work to compare them; a digest keeps its size.
    return hashlib.sha256(_canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: object) -> str:
    """The same text for equal values."""
    if isinstance(value, tuple):
        return f"({','.join(map(_canonical, value))})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_canonical, value)))}}}"
    return f"{type(value).__name__} {value!r}"


def _path_before_wildcard(selector: Selector) -> str:
    if not selector.wildcard:
        return selector.path
    parts = selector.path.split("/")
    plain = next(number for number, part in enumerate(parts) if set(part) & set("*?[\\"))
    return "/".join(parts[:plain]) or "/"


def _at_path(vertex: Vertex, path: str, depth: int) -> str | None:
    """The derivation of the bytes that a stage holds at a path. vertex: the last one of the stage."""
    # Every stage that copies from this one asks again, so the answer is kept with the vertex.
    if path not in vertex.derivations:
        stage = _stage_of_copies(vertex, depth)
        pieces: list[Hashable] = []
        for writer in stage.writing_at(path) if stage is not None else ():
            edges = [edge for edge in writer.inputs if edge.by_content]
            target = str(writer.parts.get("target"))
            contents = tuple(digest for edge in edges for digest in _digests(edge, target, path, depth) or ())
            # A WORKDIR writes its folder; a copy that writes nothing at this path does not count.
            if contents or "target" not in writer.parts:
                pieces.append((writer.operation, contents))
        vertex.derivations[path] = None if stage is None else _digest((path, tuple(pieces)))
    kept = vertex.derivations[path]
    return kept if isinstance(kept, str) else None


class _StageOfCopies:
    """The vertices of a stage of copies, indexed by their destination: a stage can have thousands, and each path needs few."""

    def __init__(self, vertices: list[Vertex]) -> None:
        """vertices: the last one first."""
        self._vertices = vertices
        self._by_target: dict[str, list[int]] = {}
        for place, vertex in enumerate(vertices):
            target = str(vertex.parts.get("target", vertex.parts.get("path")))
            self._by_target.setdefault(f"{target.rstrip('/.')}/", []).append(place)
        self._targets = sorted(self._by_target)

    def writing_at(self, path: str) -> list[Vertex]:
        """The vertices that write at a path, above it or below it, the last one first."""
        folder = f"{path.rstrip('/')}/"
        places = [
            place
            for end, character in enumerate(folder, 1)
            if character == "/" and end < len(folder)
            for place in self._by_target.get(folder[:end], ())
        ]
        number = bisect_left(self._targets, folder)
        while number < len(self._targets) and self._targets[number].startswith(folder):
            places += self._by_target[self._targets[number]]
            number += 1
        return [self._vertices[place] for place in sorted(places)]


def _stage_of_copies(vertex: Vertex, depth: int) -> _StageOfCopies | None:
    """The vertices from the end of a stage to its beginning; None when one of them writes bytes that only a run tells."""
    if _COPIES not in vertex.derivations:
        vertices: list[Vertex] = []
        current: Vertex | None = vertex
        while current is not None and current.kind == "file" and _has_known_bytes(current, depth):
            vertices.append(current)
            current = next((edge.vertex for edge in current.inputs if not edge.by_content), None)
        # The loop ends at None only for a stage that starts from scratch.
        vertex.derivations[_COPIES] = None if current is not None else _StageOfCopies(vertices)
    kept = vertex.derivations[_COPIES]
    return kept if isinstance(kept, _StageOfCopies) else None


def _has_known_bytes(vertex: Vertex, depth: int) -> bool:
    """Whether the bytes that a WORKDIR, COPY or ADD writes are known. Trees with symlinks are left out: a link that is copied
    decides where later copies write."""
    is_workdir = "target" not in vertex.parts
    return is_workdir or all(
        not edge.vertex.tree.has_symlinks if edge.vertex.tree is not None else derivation(edge, depth=depth + 1) is not None
        for edge in vertex.inputs
        if edge.by_content
    )


def _digests(edge: Edge, target: str, path: str, depth: int) -> list[Hashable] | None:
    """The digests of the bytes that a copy from one source writes at a path; [] for none, None where only a run tells."""
    tree = edge.vertex.tree
    if tree is None:
        source = derivation(edge, depth=depth + 1)
        return None if source is None else [source]
    if tree.has_symlinks:
        return None

    selector = edge.selectors[0]
    folder = target.rstrip("/.")
    is_plain_path = not selector.wildcard and not selector.excludes
    first = next(tree.entries_of(selector), None) if is_plain_path else None
    is_folder = is_plain_path and (selector.path == "/" or (first is not None and first.kind == "dir"))
    if len(edge.selectors) == 1 and path.startswith(f"{folder}/") and is_folder:
        # Of a folder that is copied as it is, only the part at the path counts: the other files may change.
        digest = tree.digest(Selector(f"{selector.path.rstrip('/')}{path[len(folder) :]}"))
        return [] if digest is None else [digest]
    return [tree.digest(selector) for selector in edge.selectors]
