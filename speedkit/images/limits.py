"""Limits that an image must keep, for builds that nobody watches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from typing import TYPE_CHECKING, Literal

from speedkit.messages import message

from .files import OPAQUE, WHITEOUT, typed_path

if TYPE_CHECKING:
    from .image import Image

__all__ = ["Limits", "Violation", "check_limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an image may be at most; None where nothing is asked.

    efficiency: at least so much, 0 to 1. forbidden: patterns such as `/root/.ssh`, `*.pem` or `.env`; one without a slash
    is that of a name in any folder. A path that matches, or lies in a folder that does, may be in no layer: a file removed
    by a later layer can still be read from the image.
    """

    wasted_bytes: int | None = None
    efficiency: float | None = None
    image_bytes: int | None = None
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """One limit that was not kept. message: a sentence that says so."""

    rule: Literal["wasted_bytes", "efficiency", "image_bytes", "forbidden"]
    message: str


def check_limits(image: Image, limits: Limits) -> tuple[Violation, ...]:
    """The limits that the image does not keep; none when all is well."""
    found = []
    if limits.wasted_bytes is not None and image.wasted_bytes > limits.wasted_bytes:
        told = message(
            "It wastes {size:,} bytes; at most {limit:,} are allowed.", size=image.wasted_bytes, limit=limits.wasted_bytes
        )
        found.append(Violation("wasted_bytes", told))
    if limits.efficiency is not None and image.efficiency < limits.efficiency:
        told = message(
            "Its efficiency is {efficiency:.4f}; at least {limit:g} is asked for.",
            efficiency=image.efficiency,
            limit=limits.efficiency,
        )
        found.append(Violation("efficiency", told))
    if limits.image_bytes is not None and image.image_bytes > limits.image_bytes:
        told = message(
            "It has {size:,} bytes; at most {limit:,} are allowed.", size=image.image_bytes, limit=limits.image_bytes
        )
        found.append(Violation("image_bytes", told))
    return (*found, *_forbidden(image, limits.forbidden))


def _forbidden(image: Image, patterns: tuple[str, ...]) -> list[Violation]:
    expressions = [(pattern, _expression(pattern)) for pattern in patterns]
    if not expressions:
        return []
    violations = []
    merged = image.analysis.merged
    files = merged.files
    for number, (path, kind) in enumerate(zip(files.paths, files.kinds, strict=True)):
        if kind in (WHITEOUT, OPAQUE):
            continue
        # What is named through a symlink of its layer is where the symlink points; neither name may be a forbidden one.
        landed = merged.landed.get(number)
        for pattern, expression in expressions:
            if expression.match(path) or (landed is not None and expression.match(landed)):
                place = merged.place_of(number)
                sentence = message(
                    "/{path} is in layer {number} ({digest}); {pattern} is forbidden.",
                    path=path if landed is None else landed,
                    number=place + 1,
                    digest=image.layers[place].digest[7:19],
                    pattern=pattern,
                )
                violations.append(Violation("forbidden", sentence))
    return violations


def _expression(pattern: str) -> re.Pattern[str]:
    """What paths a pattern forbids. `*` stands for slashes, too; `**/` may also stand for no folder at all."""
    clean = typed_path(pattern)
    within = clean.removeprefix("**/")
    globs = {within, within.replace("/**/", "/")}
    if within != clean or "/" not in pattern.rstrip("/"):
        globs |= {f"*/{glob}" for glob in globs}
    return re.compile("|".join(translate(glob) for one in sorted(globs) for glob in (one, f"{one}/*")))
