"""The vertices of a build as BuildKit sees them, each with what its cache key is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from speedkit.causes import Secret
    from speedkit.dockerfile import Dockerfile

    from .content_digest import Selector, Tree
    from .situation import Situation

__all__ = ["Edge", "Planner", "Vertex", "VertexKind"]

VertexKind = Literal["image", "context", "address", "run", "file", "inline", "merge"]
"""`address`: a URL or git repository. `file`: COPY, ADD, WORKDIR. `inline`: a here-document, an empty cache mount."""

_NO_PARTS: Mapping[str, Hashable] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """An input of a vertex: another vertex, and what is read of it (BuildKit's `solver.Edge` with its cache options).

    selectors: the paths read; they are part of the cache key. by_content: a digest of the bytes read is a second cache key,
    so an input of equal bytes gives a cache hit, whatever vertex made them.
    """

    vertex: Vertex
    selectors: tuple[Selector, ...] = ()
    by_content: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Vertex:
    """One operation of a build.

    operation: all of the cache key except the inputs. parts: the same by name, to tell what changed.
    line: of its instruction; 0 for a vertex that no instruction has.
    tree: its files; None where only the build gets them.
    local: a build context, whose own key never gives a cache hit: only the bytes read from it count.
    uncertain: an address or image that decides the content, and that was not looked up; "" for none.
    gone: an image that has to be pulled first.
    missing_secrets: required secrets and SSH agents that the build does not have.
    derivations: what `copied_content` computed for this vertex, by path.
    """

    kind: VertexKind
    operation: Hashable
    inputs: tuple[Edge, ...] = ()
    line: int = 0
    stage: str = ""
    tree: Tree | None = None
    parts: Mapping[str, Hashable] = field(default_factory=lambda: _NO_PARTS)
    local: bool = False
    uncertain: str = ""
    gone: bool = False
    missing_secrets: tuple[Secret, ...] = ()
    derivations: dict[str, object] = field(default_factory=dict, repr=False)


class Planner(Protocol):
    """The part of the planner in `frontend` that RUN, COPY and ADD need: the build, and the stages above."""

    situation: Situation
    dockerfile: Dockerfile
    context: Vertex

    def source(self, name: str, *, numeric: bool) -> Vertex | None:
        """The last vertex of the stage, image or named context in `--from`; None for scratch. numeric: a number is a stage."""

    def is_later_stage(self, name: str, *, numeric: bool) -> bool:
        """Whether `--from` names a stage that comes later in the Dockerfile."""
