"""Seconds, bytes and shares as people read them: a unit always, three digits at most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speedkit.model import Build

__all__ = [
    "bytes_text",
    "count_steps",
    "count_text",
    "does_text",
    "seconds_text",
    "secrets_left_out",
    "share_text",
    "steps_that_ran",
]

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def seconds_text(seconds: float) -> str:
    """`0.31 s`, `4.2 s`, `36 s`, `2 min 5 s`; less than a hundredth is `< 0.01 s`."""
    if seconds < 0.01:
        return "< 0.01 s"
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s"


def bytes_text(size_bytes: float) -> str:
    """`812 bytes`, `3.2 MB`, `406 MB`; powers of a thousand, as Docker counts."""
    size, unit = float(size_bytes), 0
    while abs(size) >= 999.5 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    if unit == 0 and round(size) == 1:
        return "1 byte"
    if unit == 0 or abs(size) >= 99.95:
        return f"{size:.0f} {UNITS[unit]}"
    return f"{size:.1f} {UNITS[unit]}"


def share_text(share: float) -> str:
    """`97.3 %` for 0.973; only the whole is `100 %`."""
    return "100 %" if share >= 1 else f"{math.floor(share * 1000) / 10:.1f} %"


def count_text(count: int, one: str) -> str:
    """`1 layer`, `7,565 files`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def does_text(count: int, verb: str) -> str:
    """What so many do: `1 runs`, `2 run`."""
    return f"{count} {verb}{'s' if count == 1 else ''}"


def secrets_left_out(count: int) -> str:
    """What an export says of the secrets that are not in it."""
    return f"{count_text(count, 'secret')} {'is' if count == 1 else 'are'} left out; a keyed hash (sha256:…) stands for each."


def steps_that_ran(build: Build) -> str:
    """How much of a build was work: `2 of 5 steps ran`."""
    ran, steps = count_steps(build)
    return f"{ran} of {steps} steps ran"


def count_steps(build: Build) -> tuple[int, int]:
    """How many steps of a build ran, and how many ran or came from the cache."""
    steps = [step for step in build.instructions if step.ran or step.cached]
    return sum(step.ran for step in steps), len(steps)
