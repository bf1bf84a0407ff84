"""A family of images: their names, and the stand-in for each of their tags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .recipe import StandIn
from .tags import Tag

__all__ = ["Family"]


@dataclass(frozen=True, slots=True)
class Family:
    """Images that are made alike.

    images: their names, without a tag; official images of Docker Hub without registry and `library/`. stand_in: a function from
    the name of an image and its tag to the stand-in; it gives None for an image whose parts no package registry has.
    """

    name: str
    images: tuple[str, ...]
    stand_in: Callable[[str, Tag], StandIn | None]
