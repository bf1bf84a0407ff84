"""Limits for images, which builds in CI check."""

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
    """Limits for one image; None for no limit.

    wasted_bytes, image_bytes: the maximum. efficiency: the minimum, 0 to 1. forbidden: patterns such as `/root/.ssh`, `*.pem`
    or `.env`; one without a slash matches a name in any folder. No layer may have a path that matches, or that lies in a
    folder that matches: a file that a later layer removes can still be read from the image.
    """

    wasted_bytes: int | None = None
    efficiency: float | None = None
    image_bytes: int | None = None
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that an image exceeds. message: the sentence about it."""

    rule: Literal["wasted_bytes", "efficiency", "image_bytes", "forbidden"]
    message: str


def check_limits(image: Image, limits: Limits) -> tuple[Violation, ...]:
    """The limits that the image exceeds."""
    violations = []
    if limits.wasted_bytes is not None and image.wasted_bytes > limits.wasted_bytes:
        sentence = message(
            "It wastes {size:,} bytes; at most {limit:,} are allowed.", size=image.wasted_bytes, limit=limits.wasted_bytes
        )
        violations.append(Violation("wasted_bytes", sentence))
    if limits.efficiency is not None and image.efficiency < limits.efficiency:
        sentence = message(
            "Its efficiency is {efficiency:.4f}; at least {limit:g} is required.",
            efficiency=image.efficiency,
            limit=limits.efficiency,
        )
        violations.append(Violation("efficiency", sentence))
    if limits.image_bytes is not None and image.image_bytes > limits.image_bytes:
        sentence = message(
            "It has {size:,} bytes; at most {limit:,} are allowed.", size=image.image_bytes, limit=limits.image_bytes
        )
        violations.append(Violation("image_bytes", sentence))
    return (*violations, *_forbidden(image, limits.forbidden))


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
        # A layer may name a file through a symlink of its own: `link/key` lands at `etc/key`. Both paths are checked.
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
    """Matches the paths that a pattern forbids. `*` matches slashes, too, and `**/` also no folder at all."""
    clean = typed_path(pattern)
    within = clean.removeprefix("**/")
    globs = {within, within.replace("/**/", "/")}
    if within != clean or "/" not in pattern.rstrip("/"):
        globs |= {f"*/{glob}" for glob in globs}
    # A pattern also forbids what lies in a folder that matches.
    return re.compile("|".join(translate(glob) for one in sorted(globs) for glob in (one, f"{one}/*")))
