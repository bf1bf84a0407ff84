"""Limits of disk space for images on the engine, stand-ins, recordings, and stored layers.

`SPEEDKIT_IMAGES_LIMIT`, `SPEEDKIT_STAND_INS_LIMIT`, `SPEEDKIT_RECORDINGS_LIMIT` and `SPEEDKIT_LAYERS_LIMIT` set them, for
example `20 GB`. After each build the kit removes what is above a limit, least recently used first; stand-ins only when
set-up makes others.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["DEFAULT_LIMITS", "Part", "SpaceUse", "bytes_to_keep", "is_size", "limit_bytes", "limit_variable"]

Part = Literal["images", "stand_ins", "recordings", "layers"]
DEFAULT_LIMITS: dict[Part, int] = {
    "images": 5_000_000_000,
    "stand_ins": 8_000_000_000,
    "recordings": 1_000_000_000,
    "layers": 2_000_000_000,
}
"""The default limits, in bytes."""
SIZE = re.compile(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([kMGT]?)i?B?\s*", re.IGNORECASE)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True, slots=True)
class SpaceUse:
    """The disk space that a part takes, and its limit."""

    part: Part
    used_bytes: int
    limit_bytes: int


def limit_variable(part: Part) -> str:
    """The name of the environment variable that sets a limit."""
    return f"SPEEDKIT_{part.upper()}_LIMIT"


def limit_bytes(part: Part) -> int:
    """The limit of a part. A variable that holds no size is ignored."""
    match = SIZE.fullmatch(os.environ.get(limit_variable(part), ""))
    return DEFAULT_LIMITS[part] if match is None else int(float(match[1]) * 1000 ** POWERS[match[2].lower()])


def is_size(text: str) -> bool:
    """Whether a text is a size, such as `500MB`, `1.5 GiB` or `20g`."""
    return SIZE.fullmatch(text) is not None


def bytes_to_keep(limit: int) -> int:
    """The bytes to keep when a limit is passed: 90 % of it, so that the next builds need not remove anything."""
    return limit * 9 // 10
