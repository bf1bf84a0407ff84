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

__all__ = ["Input", "Surroundings", "Vertex", "VertexKind"]

VertexKind = Literal["image", "context", "address", "run", "file", "inline", "merge"]
"""`address`: a URL or git repository. `file`: COPY, ADD, WORKDIR. `inline`: a here-document, an empty cache mount."""

_NO_PARTS: Mapping[str, Hashable] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class Input:
    """One vertex that another one reads.

    selectors: which parts it reads; they count in the key. by_content: the bytes read are a key of their own, so that
    equal bytes are found again whatever made them.
    """

    vertex: Vertex
    selectors: tuple[Selector, ...] = ()
    by_content: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Vertex:
    """One piece of work.

    operation: everything that counts in the key besides the inputs. line: of its instruction, 0 when it has none.
    tree: the files themselves, where they are known without running anything.
    parts: the same as `operation`, by name, to say what changed. local: its own key is never found again.
    uncertain: names what decides its content and is not known here, such as an address. gone: an image that has to be
    pulled first. lacking: secrets and agents without which it cannot run, and which a build is not given. derived: what
    `speedkit.cache.copied_content` has worked out of it.
    """

    kind: VertexKind
    operation: Hashable
    inputs: tuple[Input, ...] = ()
    line: int = 0
    stage: str = ""
    tree: Tree | None = None
    parts: Mapping[str, Hashable] = field(default_factory=lambda: _NO_PARTS)
    local: bool = False
    uncertain: str = ""
    gone: bool = False
    lacking: tuple[Secret, ...] = ()
    derived: dict[str, object] = field(default_factory=dict, repr=False)


class Surroundings(Protocol):
    """What making a vertex for one instruction needs to know of the build around it."""

    situation: Situation
    dockerfile: Dockerfile
    context: Vertex

    def origin(self, name: str, *, numeric: bool) -> Vertex | None:
        """What `--from` names; None for scratch. numeric: a number is a stage."""

    def is_ahead(self, name: str, *, numeric: bool) -> bool:
        """Whether `--from` names a stage that comes later."""
