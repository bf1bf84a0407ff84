"""What a stage made of copies alone holds at a path, without building it.

In a stage that starts from scratch and only copies, the bytes at a path follow from the files copied. Two builds with
the same derivation have the same bytes; with different ones they may still have.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from typing import TYPE_CHECKING

from .content_digest import Selector

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .vertices import Input, Vertex

__all__ = ["derivation"]


_COPIES = ""
"""Where a vertex keeps its `_Copies`, beside what it holds at paths."""
_DEEPEST = 100
"""How many stages, each copying from the one before, are followed where none was asked for before."""


def derivation(given: Input, *, depth: int = 0) -> Hashable | None:
    """Stands for the bytes that an input reads; None when they follow from a command, an image or an address."""
    if depth > _DEEPEST:
        return None
    pieces = [_at(given.vertex, _plain_start(selector), depth) for selector in given.selectors]
    if not pieces or any(piece is None for piece in pieces):
        return None
    return ("derived", _digest((given.selectors, tuple(pieces))))


def _digest(value: Hashable) -> str:
    """The same text for equal values. Stages copy from stages that copy from stages: the values themselves would double each
    time, and so would the work to compare them."""
    return hashlib.sha256(_canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: object) -> str:
    if isinstance(value, tuple):
        return f"({','.join(map(_canonical, value))})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_canonical, value)))}}}"
    return f"{type(value).__name__} {value!r}"


def _plain_start(selector: Selector) -> str:
    """The path, or the part of it before any wildcard."""
    if not selector.wildcard:
        return selector.path
    parts = selector.path.split("/")
    plain = next(number for number, part in enumerate(parts) if set(part) & set("*?[\\"))
    return "/".join(parts[:plain]) or "/"


def _at(vertex: Vertex, path: str, depth: int) -> str | None:
    """What a vertex leaves at a path. Each stage that copies from it asks again, and it is worked out once."""
    if path not in vertex.derived:
        copies = _copies(vertex, depth)
        pieces = None if copies is None else [piece for one in copies.at(path) if (piece := _made_by(one, path, depth))]
        vertex.derived[path] = None if pieces is None else _digest((path, tuple(pieces)))
    made = vertex.derived[path]
    return made if isinstance(made, str) else None


class _Copies:
    """The vertices of a stage of copies by where they write, so that those that write at a path are found at once."""

    def __init__(self, vertices: list[Vertex]) -> None:
        """vertices: the last one first."""
        self._vertices = vertices
        self._by_target: dict[str, list[int]] = {}
        for place, vertex in enumerate(vertices):
            target = str(vertex.parts.get("target", vertex.parts.get("path")))
            self._by_target.setdefault(f"{target.rstrip('/.')}/", []).append(place)
        self._targets = sorted(self._by_target)

    def at(self, path: str) -> list[Vertex]:
        """Those that write at a path, above it or below it."""
        whole = f"{path.rstrip('/')}/"
        places = [
            place
            for end, character in enumerate(whole, 1)
            if character == "/" and end < len(whole)
            for place in self._by_target.get(whole[:end], ())
        ]
        number = bisect_left(self._targets, whole)
        while number < len(self._targets) and self._targets[number].startswith(whole):
            places += self._by_target[self._targets[number]]
            number += 1
        return [self._vertices[place] for place in sorted(places)]


def _copies(vertex: Vertex, depth: int) -> _Copies | None:
    """The vertices down to the beginning of a stage; None when one of them does more than copy what can be told."""
    if _COPIES not in vertex.derived:
        vertices: list[Vertex] = []
        current: Vertex | None = vertex
        while current is not None and current.kind == "file" and _can_be_told(current, depth):
            vertices.append(current)
            current = next((given.vertex for given in current.inputs if not given.by_content), None)
        vertex.derived[_COPIES] = None if current is not None else _Copies(vertices)
    copies = vertex.derived[_COPIES]
    return copies if isinstance(copies, _Copies) else None


def _can_be_told(vertex: Vertex, depth: int) -> bool:
    return "target" not in vertex.parts or all(
        not given.vertex.tree.has_symlinks if given.vertex.tree is not None else derivation(given, depth=depth + 1) is not None
        for given in vertex.inputs
        if given.by_content
    )


def _made_by(vertex: Vertex, path: str, depth: int) -> tuple[Hashable, ...]:
    """What one vertex writes at a path, () for nothing."""
    if "target" not in vertex.parts:
        return (vertex.operation,)
    target = str(vertex.parts["target"])
    contents = [digest for given in vertex.inputs if given.by_content for digest in _digests(given, target, path, depth) or ()]
    return (vertex.operation, tuple(contents)) if contents else ()


def _digests(given: Input, target: str, path: str, depth: int) -> list[Hashable] | None:
    tree = given.vertex.tree
    if tree is None:
        source = derivation(given, depth=depth + 1)
        return None if source is None else [source]
    if tree.has_symlinks:
        return None
    inside = _inside(target, path)
    if len(given.selectors) == 1 and inside is not None and _is_plain_folder(given, given.selectors[0]):
        digest = tree.digest(Selector(f"{given.selectors[0].path.rstrip('/')}{inside}"))
        return [] if digest is None else [digest]
    return [tree.digest(selector) for selector in given.selectors]


def _is_plain_folder(given: Input, selector: Selector) -> bool:
    if selector.wildcard or selector.excludes or given.vertex.tree is None:
        return False
    first = next(given.vertex.tree.taken(selector), None)
    return selector.path == "/" or (first is not None and first.kind == "dir")


def _inside(target: str, path: str) -> str | None:
    """The rest of a path that lies below the target: `/b` of `/a/b` in `/a`."""
    folder = target.rstrip("/.")
    return path[len(folder) :] if path.startswith(f"{folder}/") else None
