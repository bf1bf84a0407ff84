"""What a stage made of copies alone holds at a path, without building it.

In a stage that starts from scratch and only copies, the bytes at a path follow from the files copied. Two builds with
the same derivation have the same bytes; with different ones they may still have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.forecast.tree import Selector

if TYPE_CHECKING:
    from collections.abc import Hashable

    from speedkit.forecast.vertices import Input, Vertex

__all__ = ["derivation"]


def derivation(given: Input) -> Hashable | None:
    """Stands for the bytes that an input reads; None when they follow from a command, an image or an address."""
    pieces = [_at(given.vertex, _plain_start(selector)) for selector in given.selectors]
    if not pieces or any(piece is None for piece in pieces):
        return None
    return ("derived", given.selectors, tuple(pieces))


def _plain_start(selector: Selector) -> str:
    """The path, or the part of it before any wildcard."""
    if not selector.wildcard:
        return selector.path
    parts = selector.path.split("/")
    plain = next(number for number, part in enumerate(parts) if set(part) & set("*?[\\"))
    return "/".join(parts[:plain]) or "/"


def _at(vertex: Vertex | None, path: str) -> Hashable | None:
    made: list[Hashable] = []
    while vertex is not None:
        if vertex.kind != "file":
            return None
        before = next((given.vertex for given in vertex.inputs if not given.by_content), None)
        piece = _made_by(vertex, path)
        if piece is None:
            return None
        if piece:
            made.append(piece)
        vertex = before
    return (path, tuple(made))


def _made_by(vertex: Vertex, path: str) -> tuple[Hashable, ...] | None:
    """What one vertex writes at a path: () for nothing, None when it cannot be told."""
    if "target" not in vertex.parts:
        return (vertex.operation,) if _related(str(vertex.parts["path"]), path) else ()
    target = str(vertex.parts["target"])
    contents: list[Hashable] = []
    for given in vertex.inputs:
        if not given.by_content:
            continue
        digests = _digests(given, target, path)
        if digests is None:
            return None
        contents.extend(digests)
    return (vertex.operation, tuple(contents)) if contents and _related(target, path) else ()


def _digests(given: Input, target: str, path: str) -> list[Hashable] | None:
    tree = given.vertex.tree
    if tree is None:
        source = derivation(given)
        return None if source is None else [source]
    if any(entry.kind == "symlink" for entry in tree.entries):
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


def _related(one: str, other: str) -> bool:
    first, second = f"{one.rstrip('/.')}/", f"{other.rstrip('/')}/"
    return first.startswith(second) or second.startswith(first)
