"""How much room the kit may take for what it keeps: images on the engine, recordings, and layers once read.

`SPEEDKIT_IMAGES_LIMIT`, `SPEEDKIT_RECORDINGS_LIMIT` and `SPEEDKIT_LAYERS_LIMIT` set it, such as `20 GB`. Each build sees to it
that the limits are kept: what was not used for the longest time goes first.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["PARTS", "Part", "Use", "enough", "is_size", "limit_bytes", "variable"]

Part = Literal["images", "recordings", "layers"]
PARTS: dict[Part, int] = {"images": 5_000_000_000, "recordings": 1_000_000_000, "layers": 2_000_000_000}
"""The limits where no variable sets one."""
SIZE = re.compile(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([kMGT]?)i?B?\s*", re.IGNORECASE)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True, slots=True)
class Use:
    """How much room a part takes, and how much it may take."""

    part: Part
    used_bytes: int
    limit_bytes: int


def variable(part: Part) -> str:
    """The name of the variable that sets a limit."""
    return f"SPEEDKIT_{part.upper()}_LIMIT"


def limit_bytes(part: Part) -> int:
    """The limit of a part; a variable that holds no size sets none."""
    match = SIZE.fullmatch(os.environ.get(variable(part), ""))
    return PARTS[part] if match is None else int(float(match[1]) * 1000 ** POWERS[match[2].lower()])


def is_size(text: str) -> bool:
    """Whether a text is a size as the variables hold it."""
    return SIZE.fullmatch(text) is not None


def enough(limit: int) -> int:
    """How far down to go once a limit is passed: a little further, so that not every build has something to remove."""
    return limit * 9 // 10
