"""Seconds, bytes and shares as text: always with a unit, three digits at most."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from speedkit.messages import marked, message, plural

if TYPE_CHECKING:
    from speedkit.model import Build

__all__ = [
    "bytes_text",
    "count_steps",
    "read_bytes",
    "read_seconds",
    "seconds_text",
    "secrets_left_out",
    "share_text",
    "steps_that_ran",
    "steps_that_ran_with",
]

SIZES = (marked("{size} kB"), marked("{size} MB"), marked("{size} GB"), marked("{size} TB"))
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
_BYTES_BY_UNIT = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SECONDS_BY_UNIT = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def read_bytes(text: str) -> int | None:
    """The bytes of `1500`, `20MB` or `1.5 GiB`, in any case of letters; None for anything else."""
    match = _AMOUNT.fullmatch(text.strip())
    unit = _BYTES_BY_UNIT.get(match[2].lower()) if match is not None else None
    if match is None or unit is None:
        return None
    size = float(match[1]) * unit
    return round(size) if math.isfinite(size) else None


def read_seconds(text: str) -> float | None:
    """The seconds of `90 s`, `500 ms`, `2 min`, `1.5 h` or `2 min 30 s`; None for anything else."""
    amounts = list(_AMOUNT.finditer(text))
    units = [_SECONDS_BY_UNIT.get(amount[2].lower()) for amount in amounts]
    if not amounts or None in units or _AMOUNT.sub("", text).strip():
        return None
    seconds = sum(float(amount[1]) * unit for amount, unit in zip(amounts, units, strict=True) if unit is not None)
    return seconds if math.isfinite(seconds) else None


def seconds_text(seconds: float) -> str:
    """`0.31 s`, `4.2 s`, `36 s`, `2 min 5 s`; less than a hundredth is `< 0.01 s`."""
    if seconds < 0.01:
        return message("< 0.01 s")
    if seconds < 1:
        return message("{seconds:.2f} s", seconds=seconds)
    if seconds < 99.95:
        return message("{seconds:.1f} s", seconds=seconds)
    minutes, left = divmod(round(seconds), 60)
    return message("{minutes} min {seconds} s", minutes=minutes, seconds=left)


def bytes_text(size_bytes: float) -> str:
    """`812 bytes`, `3.2 MB`, `406 MB`; powers of a thousand, as Docker counts."""
    size, thousands = float(size_bytes), 0
    while abs(size) >= 999.5 and thousands < len(SIZES):
        size, thousands = size / 1000, thousands + 1
    if thousands == 0:
        return plural("{count} byte", "{count} bytes", round(size))
    digits = f"{size:.0f}" if abs(size) >= 99.95 else f"{size:.1f}"
    return message(SIZES[thousands - 1], size=digits)


def share_text(share: float) -> str:
    """`97.3 %` for 0.973; only the whole is `100 %`."""
    if share >= 1:
        return message("100 %")
    return message("{percent:.1f} %", percent=math.floor(share * 1000) / 10)


def secrets_left_out(count: int) -> str:
    """The sentence of an export about the secrets that it leaves out."""
    return plural(
        "{count:,} secret is left out; a keyed hash (sha256:…) stands for each.",
        "{count:,} secrets are left out; a keyed hash (sha256:…) stands for each.",
        count,
    )


def steps_that_ran(build: Build) -> str:
    """How many steps of a build ran: `2 of 5 steps ran`."""
    ran, steps = count_steps(build)
    return plural("{ran} of {steps} step ran", "{ran} of {steps} steps ran", steps, ran=ran, steps=steps)


def steps_that_ran_with(build: Build, name: str) -> str:
    """The same for one of several builds. name: of its strategy or edit, which tells it from the others."""
    ran, steps = count_steps(build)
    return plural(
        "{ran} of {steps} step ran with {name}",
        "{ran} of {steps} steps ran with {name}",
        steps,
        ran=ran,
        steps=steps,
        name=name,
    )


def count_steps(build: Build) -> tuple[int, int]:
    """How many steps of a build ran, and how many ran or came from the cache."""
    steps = [step for step in build.instructions if step.ran or step.cached]
    return sum(step.ran for step in steps), len(steps)
