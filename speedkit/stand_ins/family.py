"""A family of images: the names it stands for, and the stand-in that a tag of them means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .recipe import StandIn
from .tags import Tag

__all__ = ["Family"]


@dataclass(frozen=True, slots=True)
class Family:
    """Images that are made alike.

    images: their names, without a tag; official images of Docker Hub without registry and `library/`. stand_in: gives the
    stand-in by the image's name and its tag; None where the tag means an image that no package registry has the parts for.
    """

    name: str
    images: tuple[str, ...]
    stand_in: Callable[[str, Tag], StandIn | None]
