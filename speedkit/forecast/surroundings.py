"""What building a vertex for one instruction needs to know of the build around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from speedkit.dockerfile import Dockerfile
    from speedkit.forecast.situation import Situation
    from speedkit.forecast.vertices import Vertex

__all__ = ["Surroundings"]


class Surroundings(Protocol):
    """The build around an instruction."""

    situation: Situation
    dockerfile: Dockerfile
    context: Vertex

    def origin(self, name: str, *, numeric: bool) -> Vertex | None:
        """What `--from` names. None: scratch."""
